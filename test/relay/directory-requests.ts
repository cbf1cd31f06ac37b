/** Directory requests at the level of the protocol, and the answer to each. */
import { encodeRecord, type RecordContent } from '../../core/directory/record.ts';
import { sealVault } from '../../core/directory/vault.ts';
import { identityOfKey } from '../../core/identity/identity.ts';
import type { Body, Control, ControlOp } from '../../core/protocol/control.ts';
import * as op from '../../core/protocol/ops.ts';
import type { RawPeer } from '../fixtures/raw-peer.ts';
import { until } from '../fixtures/until.ts';

let requestId = 10_000;

/** Sends a request. @returns its id. */
export function request<O extends ControlOp>(peer: RawPeer, code: O, body: Body<O>): number {
  peer.control(code, ++requestId, body);
  return requestId;
}

export function answerHere(peer: RawPeer, id: number): Control | undefined {
  return peer.controls.find((frame) => frame.requestId === id);
}

/** The frame that answers the request, taken out of those that came. */
export async function answer(peer: RawPeer, id: number): Promise<Control> {
  await until(`request ${id} is answered`, () => answerHere(peer, id) ?? peer.ending);
  const frame = answerHere(peer, id);
  if (!frame) throw new Error(`The connection ended: ${JSON.stringify(peer.ending)}`);
  peer.controls.splice(peer.controls.indexOf(frame), 1);
  return frame;
}

/** Sends a request. @returns what answers it: the op of the answer (or the code of the error) with its body. */
export async function ask<O extends ControlOp>(
  peer: RawPeer,
  code: O,
  body: Body<O>,
): Promise<Record<string, unknown>> {
  const frame = await answer(peer, request(peer, code, body));
  return frame.op === op.OP_ERROR
    ? { failed: frame.body.code, ...frame.body }
    : { op: frame.op, ...frame.body };
}

export function recordOf(peer: RawPeer, content: Partial<RecordContent>): Uint8Array {
  const expiresMs = Date.now() + 3_600_000;
  const full = { seq: 1, expiresMs, searchable: false, profile: new Uint8Array(0), ...content };
  return encodeRecord(identityOfKey(peer.key.privateKey), full);
}

export function publish(peer: RawPeer, content: Partial<RecordContent>) {
  return ask(peer, op.OP_PUBLISH, { record: recordOf(peer, content) });
}

export function vaultOf(peer: RawPeer, revision: number, bytes = 100): Uint8Array {
  return sealVault(identityOfKey(peer.key.privateKey), revision, new Uint8Array(bytes));
}
