/**
 * `nats`: the text protocol of nats-server (docs.nats.io/reference/reference-protocols/nats-protocol). Each lane has a
 * subject of its own, which its peer subscribes to under the lane's number; what the partner publishes there arrives.
 *
 *   sent       PUB <subject> <bytes>\r\n<payload>\r\n
 *   arrives    MSG <subject> <number> <bytes>\r\n<payload>\r\n
 */
import { MAX_PAYLOAD_BYTES } from '../../core/protocol/limits.ts';
import { Answers } from './answers.ts';
import {
  type Call,
  type Dialect,
  type Found,
  INCOMPLETE,
  type Lane,
  NO_PACKET,
  type PacketReader,
  type Peer,
  type Receiver,
} from './dialect.ts';
import { LoadFault } from './fault.ts';
import type { Flow } from './plan.ts';
import { TcpWire } from './tcp-wire.ts';

const LINE_END = '\r\n';
/** INFO is the longest line. */
const MAX_LINE_BYTES = 64 * 1024;
const CONNECT = 'CONNECT {"verbose":false,"pedantic":false,"echo":true,"name":"supernode-bench"}\r\n';
const PING = 'PING\r\n';
const PONG = Buffer.from('PONG\r\n');
const FIRST_OF_MSG = 'M'.charCodeAt(0);
const CARRIAGE_RETURN = 13;
const LINE_FEED = 10;

/** So that two load processes at one server have different subjects. */
const SUBJECT_PREFIX = `bench.${process.pid}`;

class NatsPeer implements Peer, PacketReader {
  #wire!: TcpWire;
  #destroyed = false;
  /** `PONG` in order of our `PING`s. */
  readonly #answers = new Answers<true>();
  readonly #index: number;
  #lanes = 0;

  private constructor(index: number) {
    this.#index = index;
  }

  static async connect(
    address: string,
    index: number,
    receive: (reader: PacketReader) => Receiver,
  ): Promise<NatsPeer> {
    const peer = new NatsPeer(index);
    const receiver = receive(peer);
    peer.#wire = await TcpWire.connect(address, {
      read: (bytes, length) => {
        receiver.bytes(bytes, 0, length);
        receiver.readEnded();
      },
      drained: () => receiver.drained(),
      ended: (error) => {
        peer.#answers.fail(error);
        if (!peer.#destroyed) receiver.broken(error);
      },
    });
    try {
      await peer.#answers.next('INFO');
      peer.#say(CONNECT);
      await peer.synchronize();
      return peer;
    } catch (error) {
      peer.destroy();
      throw error;
    }
  }

  /** Subscribes to a new subject. @returns it and its number. */
  subscribe(): { subject: string; number: number } {
    const number = ++this.#lanes;
    const subject = `${SUBJECT_PREFIX}.${this.#index}.${number}`;
    this.#say(`SUB ${subject} ${number}${LINE_END}`);
    return { subject, number };
  }

  /** Resolves when the server has dealt with everything sent before. */
  async synchronize(): Promise<void> {
    this.#say(PING);
    await this.#answers.next('PONG');
  }

  write(bytes: Uint8Array, from: number, to: number, stable: boolean): void {
    this.#wire.write(bytes, from, to, stable);
  }

  get heldBytes(): number {
    return this.#wire.heldBytes;
  }

  destroy(): void {
    this.#destroyed = true;
    this.#wire?.destroy();
  }

  read(bytes: Buffer, from: number, to: number, found: Found): number {
    const lineEnd = bytes.subarray(from, Math.min(to, from + MAX_LINE_BYTES)).indexOf(LINE_END);
    if (lineEnd < 0) {
      if (to - from >= MAX_LINE_BYTES) throw new Error('A line of the server has no end.');
      return INCOMPLETE;
    }
    const line = bytes.toString('latin1', from, from + lineEnd);
    const next = from + lineEnd + LINE_END.length;
    if (bytes[from] === FIRST_OF_MSG) return message(bytes, line, next, to, found);
    found.key = NO_PACKET;
    this.#control(line);
    return next;
  }

  #control(line: string): void {
    if (line === 'PING') this.#wire.write(PONG, 0, PONG.length, true);
    else if (line === 'PONG') this.#answers.give('PONG', true);
    else if (line.startsWith('INFO ')) this.#answers.give('INFO', true);
    else if (line.startsWith('-ERR ')) throw new LoadFault('broken', `nats-server reports ${line.slice(5)}.`);
    else if (line !== '+OK') throw new Error(`nats-server sent "${line.slice(0, 60)}".`);
  }

  #say(text: string): void {
    const bytes = Buffer.from(text);
    this.#wire.write(bytes, 0, bytes.length, true);
  }
}

/** @param next offset of the payload. @returns as PacketReader.read. */
function message(bytes: Buffer, line: string, next: number, to: number, found: Found): number {
  const match = /^MSG \S+ (\d{1,9}) (\d{1,6})$/.exec(line);
  const length = Number(match?.[2]);
  if (match === null || length > MAX_PAYLOAD_BYTES) {
    throw new Error(`nats-server sent "${line.slice(0, 60)}".`);
  }
  const end = next + length + LINE_END.length;
  if (end > to) return INCOMPLETE;
  if (bytes[end - 2] !== CARRIAGE_RETURN || bytes[end - 1] !== LINE_FEED) {
    throw new Error('A message of nats-server is longer than it says.');
  }
  found.key = Number(match[1]);
  found.payloadFrom = next;
  found.payloadTo = end - LINE_END.length;
  return end;
}

class NatsLane implements Lane {
  readonly key: number;
  readonly #subject: string;
  readonly #partners: string;

  constructor(own: { subject: string; number: number }, partners: { subject: string }) {
    this.key = own.number;
    this.#subject = own.subject;
    this.#partners = partners.subject;
  }

  encode(payload: Uint8Array): Uint8Array {
    return framed(`PUB ${this.#partners} ${payload.length}`, payload);
  }

  expect(payload: Uint8Array): Uint8Array {
    return framed(`MSG ${this.#subject} ${this.key} ${payload.length}`, payload);
  }
}

function framed(line: string, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(line + LINE_END), payload, Buffer.from(LINE_END)]);
}

async function call(caller: NatsPeer, callee: NatsPeer, flows: readonly Flow[]): Promise<Call> {
  const made: Call = { caller: [], callee: [] };
  for (const _ of flows) {
    const near = caller.subscribe();
    const far = callee.subscribe();
    made.caller.push(new NatsLane(near, far));
    made.callee.push(new NatsLane(far, near));
  }
  await Promise.all([caller.synchronize(), callee.synchronize()]);
  return made;
}

export function natsDialect(): Dialect {
  return {
    framing: 'stream',
    connect: (address, index, receive) => NatsPeer.connect(address, index, receive),
    call: (caller, callee, flows) => call(caller as NatsPeer, callee as NatsPeer, flows),
  };
}
