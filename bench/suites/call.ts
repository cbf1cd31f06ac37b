/** Two callers in a call through a relay of their own: what the relay suites work on. */
import { decodeControl, encodeControl } from '../../core/protocol/control.ts';
import { dataFrameBytes, writeDataFrame } from '../../core/protocol/frame.ts';
import { MAX_PACKET_LIFE_MS } from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import type { Label } from '../../core/protocol/peer-id.ts';
import { supernode } from '../systems/supernode.ts';
import { Caller } from './caller.ts';

export const PAYLOAD_BYTES = 160;
const AUDIO = op.PRIORITIES.indexOf('audio');
const KIND = { reliable: false, priority: AUDIO, lifeMs: MAX_PACKET_LIFE_MS, credit: 0, protocol: '' };
/** A relay that has just started interprets its code: without this an operation seems to cost four times what it does. */
const WARM_UP_MS = 350;

export interface Call {
  caller: Caller;
  callee: Caller;
  callerLabel: Label;
  calleeLabel: Label;
  close(): Promise<void>;
}

/** Starts a relay on `core` and connects a call through it. */
export async function openCall(core: number | null): Promise<Call> {
  const relay = await supernode.start({ core, shards: 1 });
  const callers: Caller[] = [];
  const close = async (): Promise<void> => {
    for (const caller of callers) caller.end();
    await relay.stop();
  };
  try {
    for (let i = 0; i < 2; i++) callers.push(await Caller.connect(relay.address));
    const [caller, callee] = callers as [Caller, Caller];
    const offered = nextLabel(callee);
    const opened = nextLabel(caller);
    caller.send(encodeControl(op.OP_OPEN, 1, { to: callee.publicKey, ...KIND }));
    const calleeLabel = await offered;
    callee.send(encodeControl(op.OP_ACCEPT, 0, { label: calleeLabel, credit: 0 }));
    return { caller, callee, callerLabel: await opened, calleeLabel, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Of the offer or the answer that must come next. */
function nextLabel(caller: Caller): Promise<Label> {
  return new Promise((resolve, reject) => {
    caller.onfailure = reject;
    caller.onbundle = (bytes) => {
      const frame = decodeControl(bytes, 0, bytes.length);
      if (frame.op !== op.OP_OFFER && frame.op !== op.OP_OPENED)
        throw new Error(`The relay sent op ${frame.op} where a label was due.`);
      resolve(frame.body.label as Label);
    };
  });
}

/** `count` different packets under one label, back to back. */
export function packets(label: Label, count: number): Uint8Array {
  const bytes = new Uint8Array(count * dataFrameBytes(PAYLOAD_BYTES));
  const payload = new Uint8Array(PAYLOAD_BYTES);
  let at = 0;
  for (let i = 0; i < count; i++) {
    payload.fill(i & 0xff);
    payload[0] = i >>> 8;
    at = writeDataFrame(bytes, at, op.OP_DATA + AUDIO, label, payload);
  }
  return bytes;
}

export async function warmUp(iterate: () => Promise<void>): Promise<void> {
  const until = performance.now() + WARM_UP_MS;
  while (performance.now() < until) await iterate();
}
