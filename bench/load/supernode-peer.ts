/** A peer of the dialect `supernode`: login, channels, pings (docs/protocol.md §5, §6, §8). */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type Body, type Control, decodeControl, encodeControl } from '../../core/protocol/control.ts';
import { MAX_CONTROL_BYTES } from '../../core/protocol/limits.ts';
import { loginText } from '../../core/protocol/login-text.ts';
import * as op from '../../core/protocol/ops.ts';
import { SCAN_REFUSED, SCAN_TRUNCATED, scanValue } from '../../core/protocol/scan.ts';
import { Answers } from './answers.ts';
import { isDataFrame, readDataFrame } from './data-lane.ts';
import {
  type Credit,
  type Found,
  INCOMPLETE,
  NO_PACKET,
  type PacketReader,
  type Receiver,
} from './dialect.ts';
import { LoadFault } from './fault.ts';
import { WebSocketPeer } from './websocket-peer.ts';

const CLIENT = 'supernode-bench/1';
const SPKI_HEADER_BYTES = 12;

function offerKey(from: Uint8Array, protocol: string): string {
  return `offer ${protocol} from ${Buffer.from(from).toString('hex')}`;
}

export class SupernodePeer extends WebSocketPeer {
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly #privateKey: KeyObject;
  readonly #answers = new Answers<Control>();
  readonly #credits = new Map<number, Credit>();
  #requests = 0;

  private constructor() {
    super();
    const pair = generateKeyPairSync('ed25519');
    const spki = pair.publicKey.export({ format: 'der', type: 'spki' });
    this.publicKey = new Uint8Array(spki.subarray(SPKI_HEADER_BYTES));
    this.#privateKey = pair.privateKey;
  }

  static async connect(address: string, receive: (reader: PacketReader) => Receiver): Promise<SupernodePeer> {
    const peer = new SupernodePeer();
    await peer.connectTo(address, receive);
    try {
      await peer.#login();
      return peer;
    } catch (error) {
      peer.destroy();
      throw error;
    }
  }

  async #login(): Promise<void> {
    const hello = (await this.#answers.next('hello')).body as Body<typeof op.OP_HELLO>;
    const text = loginText(hello.relay, hello.nonce, this.publicKey, CLIENT);
    const signature = new Uint8Array(sign(null, text, this.#privateKey));
    this.send(encodeControl(op.OP_LOGIN, 1, { peer: this.publicKey, signature, client: CLIENT }));
    await this.#answers.next('ready');
  }

  /** @throws Error when the callee cannot be reached. */
  async open(kind: Body<typeof op.OP_OPEN>): Promise<Body<typeof op.OP_OPENED>> {
    const requestId = ++this.#requests;
    this.send(encodeControl(op.OP_OPEN, requestId, kind));
    const answer = await this.#answers.next(requestId);
    if (answer.op === op.OP_OPENED) return answer.body;
    const reason = answer.op === op.OP_CLOSED ? answer.body.reason : `op ${answer.op}`;
    throw new Error(`A call could not be opened: ${reason}.`);
  }

  /** Accepts the offer of this peer. @returns its label. */
  async accept(from: SupernodePeer, protocol: string, credit: number): Promise<number> {
    const offer = await this.#answers.next(offerKey(from.publicKey, protocol));
    const { label } = offer.body as Body<typeof op.OP_OFFER>;
    this.send(encodeControl(op.OP_ACCEPT, 0, { label, credit }));
    return label;
  }

  /** What the partner has granted on this channel. */
  creditOf(label: number): Credit {
    let credit = this.#credits.get(label);
    if (credit === undefined) {
      credit = { bytes: 0, grown: () => {} };
      this.#credits.set(label, credit);
    }
    return credit;
  }

  grant(label: number, bytes: number): void {
    this.send(encodeControl(op.OP_CREDIT, 0, { label, bytes }));
  }

  read(bytes: Buffer, from: number, to: number, found: Found): number {
    const data = isDataFrame(bytes, from, to);
    if (data === null) return INCOMPLETE;
    if (data) return readDataFrame(bytes, from, to, found);
    const end = scanValue(bytes, from, Math.min(to, from + MAX_CONTROL_BYTES));
    if (end === SCAN_TRUNCATED && to - from < MAX_CONTROL_BYTES) return INCOMPLETE;
    if (end === SCAN_TRUNCATED || end === SCAN_REFUSED) throw new Error('A control frame is malformed.');
    found.key = NO_PACKET;
    this.#control(decodeControl(bytes, from, end));
    return end;
  }

  protected ended(error: Error): void {
    this.#answers.fail(error);
  }

  #control(frame: Control): void {
    switch (frame.op) {
      case op.OP_PING:
        this.send(encodeControl(op.OP_PONG, frame.requestId, {}));
        return;
      case op.OP_HELLO:
        this.#answers.give('hello', frame);
        return;
      case op.OP_READY:
        this.#answers.give('ready', frame);
        return;
      case op.OP_OFFER:
        this.#answers.give(offerKey(frame.body.from, frame.body.protocol), frame);
        return;
      case op.OP_OPENED:
        this.#answers.give(frame.requestId, frame);
        return;
      case op.OP_CREDIT: {
        const credit = this.creditOf(frame.body.label);
        credit.bytes += frame.body.bytes;
        credit.grown();
        return;
      }
      case op.OP_CLOSED:
        if (frame.body.label === 0) this.#answers.give(frame.requestId, frame);
        else throw new LoadFault('broken', `The relay closed a channel: ${frame.body.reason}.`);
        return;
      case op.OP_ERROR: {
        const error = new LoadFault('broken', `The relay reports ${frame.body.code}: ${frame.body.message}`);
        this.#answers.fail(error);
        throw error;
      }
      case op.OP_MOVING:
        throw new LoadFault('broken', 'The relay is leaving.');
      case op.OP_CONGESTION:
        // What is lost is found by the count of packets.
        return;
      default:
        throw new Error(`The relay sent op ${frame.op}, which only a client sends.`);
    }
  }
}
