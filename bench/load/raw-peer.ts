/** A peer for load: the protocol's control frames over a RawSocket, and one call over realtime channels, whose every byte is checked. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  type Body,
  type Control,
  controlFrameEnd,
  decodeControl,
  encodeControl,
} from '../../core/protocol/control.ts';
import { ARRAY_OF_3 } from '../../core/protocol/frame.ts';
import { MAX_BUNDLE_BYTES, MAX_PACKET_LIFE_MS } from '../../core/protocol/limits.ts';
import { loginText } from '../../core/protocol/login-text.ts';
import * as op from '../../core/protocol/ops.ts';
import type { Label } from '../../core/protocol/peer-id.ts';
import { IncomingFrames, OutgoingFrames } from './frame-stream.ts';
import { MAX_HEADER_BYTES, RawSocket, writeHeader } from './raw-socket.ts';

const CLIENT = 'supernode-bench/1';
const AUDIO = op.PRIORITIES.indexOf('audio');
const SPKI_HEADER_BYTES = 12;

/** Shared by all peers: the kernel has normally taken a message when write returns. */
let sendBuffer = Buffer.allocUnsafeSlow(MAX_HEADER_BYTES + MAX_BUNDLE_BYTES);

interface Waiting {
  resolve(frame: Control): void;
  reject(error: Error): void;
}

export class RawPeer {
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly #privateKey: KeyObject;
  #socket!: RawSocket;
  /** Who waits for the next frame of an op. */
  readonly #waiting = new Map<number, Waiting>();
  /** Frames that came before anybody waited for them. */
  readonly #early: Control[] = [];
  /** Copies of the parts of a message that holds more than this call's data. */
  #parts: Buffer[] = [];
  #outgoing: OutgoingFrames | null = null;
  #incoming: IncomingFrames | null = null;
  /** Incoming frames already answered by as many outgoing ones. */
  #answered = 0;
  #answering = false;
  #error: Error | null = null;
  /** The end of the connection, or a fault in what came. */
  onfailure: (error: Error) => void = () => {};

  private constructor() {
    const pair = generateKeyPairSync('ed25519');
    const spki = pair.publicKey.export({ format: 'der', type: 'spki' });
    this.publicKey = new Uint8Array(spki.subarray(SPKI_HEADER_BYTES));
    this.#privateKey = pair.privateKey;
  }

  /** Connects only, so that a caller decides in which order the relay accepts its sockets. */
  static async connect(url: string): Promise<RawPeer> {
    const peer = new RawPeer();
    peer.#socket = await RawSocket.connect(url, {
      part: (bytes, from, to, last) => peer.#part(bytes, from, to, last),
      readEnded: () => peer.#answer(),
      closed: (error) => peer.#fail(error),
    });
    return peer;
  }

  async login(): Promise<void> {
    const hello = (await this.#next(op.OP_HELLO)).body as Body<typeof op.OP_HELLO>;
    const text = loginText(hello.relay, hello.nonce, this.publicKey, CLIENT);
    const signature = new Uint8Array(sign(null, text, this.#privateKey));
    this.#socket.send(encodeControl(op.OP_LOGIN, 1, { peer: this.publicKey, signature, client: CLIENT }));
    await this.#next(op.OP_READY);
  }

  /** Opens a realtime channel that no frame outlives, so that a loss is the relay's and not the clock's. */
  async open(to: RawPeer): Promise<Label> {
    const kind = {
      reliable: false,
      priority: AUDIO,
      lifeMs: MAX_PACKET_LIFE_MS,
      credit: 0,
      protocol: 'bench',
    };
    this.#socket.send(encodeControl(op.OP_OPEN, 2, { to: to.publicKey, ...kind }));
    const answer = await this.#next(op.OP_OPENED);
    return (answer.body as Body<typeof op.OP_OPENED>).label as Label;
  }

  /** Accepts the next offer. */
  async accept(): Promise<Label> {
    const { label } = (await this.#next(op.OP_OFFER)).body as Body<typeof op.OP_OFFER>;
    this.#socket.send(encodeControl(op.OP_ACCEPT, 0, { label, credit: 0 }));
    return label as Label;
  }

  /** Prepares both directions of a call; nothing is sent before `start`. The ends name its channels in one order. */
  prepare(labels: readonly Label[], payloadBytes: number, window: number): void {
    this.#outgoing = new OutgoingFrames(op.OP_DATA + AUDIO, labels, payloadBytes, window);
    this.#incoming = new IncomingFrames(op.OP_DATA + AUDIO, labels, payloadBytes, window);
  }

  get framesSent(): number {
    return this.#outgoing?.frames ?? 0;
  }

  get framesReceived(): number {
    return this.#incoming?.frames ?? 0;
  }

  /** Sends `frames` at once and from then on as many as arrive. */
  start(frames: number): void {
    this.#answering = true;
    this.#sendFrames(frames);
  }

  /** Answers no more; what is under way still arrives and is still checked. */
  stop(): void {
    this.#answering = false;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #answer(): void {
    if (!this.#answering) return;
    const received = this.#incoming!.frames;
    const owed = received - this.#answered;
    if (owed === 0) return;
    this.#answered = received;
    this.#sendFrames(owed);
  }

  #sendFrames(frames: number): void {
    const outgoing = this.#outgoing!;
    const most = Math.floor(MAX_BUNDLE_BYTES / outgoing.frameBytes);
    for (let left = frames; left > 0; left -= most) {
      const count = Math.min(left, most);
      const start = writeHeader(sendBuffer, 0, count * outgoing.frameBytes);
      const end = outgoing.copy(count, sendBuffer, start);
      const taken = this.#socket.write(sendBuffer.subarray(0, end));
      if (!taken) sendBuffer = Buffer.allocUnsafeSlow(sendBuffer.length);
    }
  }

  #part(bytes: Buffer, from: number, to: number, last: boolean): void {
    try {
      let at = from;
      if (this.#parts.length === 0 && this.#incoming !== null) {
        at = this.#incoming.take(bytes, from, to);
        if (at === to) {
          if (last) this.#checkWhole();
          return;
        }
        if (at < from) {
          this.#parts.push(Buffer.of(ARRAY_OF_3));
          at = from;
        }
      }
      this.#parts.push(Buffer.from(bytes.subarray(at, to)));
      if (!last) return;
      const message = Buffer.concat(this.#parts);
      this.#parts = [];
      this.#readMixed(message);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #readMixed(message: Buffer): void {
    let at = 0;
    while (at < message.length) {
      const after = controlFrameEnd(message, at, message.length);
      this.#control(decodeControl(message, at, after));
      at = after;
      if (this.#incoming !== null) at = this.#incoming.take(message, at, message.length);
    }
    this.#checkWhole();
  }

  #checkWhole(): void {
    const held = this.#incoming?.heldBytes ?? 0;
    if (held > 0) throw new Error(`A message ended ${held} bytes into a frame: the relay split a frame.`);
  }

  #control(frame: Control): void {
    if (frame.op === op.OP_PING) {
      this.#socket.send(encodeControl(op.OP_PONG, frame.requestId, {}));
      return;
    }
    if (frame.op === op.OP_ERROR)
      throw new Error(`The relay reports ${frame.body.code}: ${frame.body.message}`);
    if (frame.op === op.OP_CLOSED) throw new Error(`The channel was closed, reason ${frame.body.reason}.`);
    const waiting = this.#waiting.get(frame.op);
    this.#waiting.delete(frame.op);
    if (waiting) waiting.resolve(frame);
    else this.#early.push(frame);
  }

  #next(wanted: number): Promise<Control> {
    if (this.#error) return Promise.reject(this.#error);
    const at = this.#early.findIndex((frame) => frame.op === wanted);
    if (at >= 0) return Promise.resolve(this.#early.splice(at, 1)[0]!);
    return new Promise((resolve, reject) => this.#waiting.set(wanted, { resolve, reject }));
  }

  #fail(error: Error): void {
    if (this.#error) return;
    this.#error = error;
    this.#answering = false;
    this.#socket?.destroy();
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    this.onfailure(error);
  }
}
