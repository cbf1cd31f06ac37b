/**
 * A demo call: two peers, one realtime audio channel, and in each direction the packets of a voice codec, 50 a second,
 * each with its number and the time at which it was handed to send().
 *
 *   packet     sequence number u32 BE | time of sending f64 BE, ms | silence
 */
import type { Channel, Peer } from '../core/client/node.ts';

const PACKETS_PER_SEC = 50;
export const PACKET_GAP_MS = 1000 / PACKETS_PER_SEC;
export const PACKET_BYTES = 160;
const TIME_AT = 4;

/** One way of a call. `sent` belongs to the sending end, the others to the receiving end; one process has both. */
export class Direction {
  readonly #from: Channel;
  readonly #record: (latencyMs: number) => void;
  sent = 0;
  received = 0;
  /** Numbers skipped so far: lost, as a channel delivers in order. */
  missing = 0;
  #expected = 0;
  #timer: NodeJS.Timeout | undefined;
  #nextAt = 0;
  onfailure: (error: Error) => void = () => {};

  constructor(from: Channel, to: Channel, record: (latencyMs: number) => void) {
    this.#from = from;
    this.#record = record;
    to.onmessage = ({ data }) => this.#receive(data);
    to.onclose = ({ reason }) => this.onfailure(new Error(`A call ended, reason ${reason}.`));
  }

  /** Sends until `stop`, keeping to the clock: a timer that comes late delays a packet and none after it. */
  start(firstAtMs: number): void {
    this.#nextAt = firstAtMs;
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    this.#timer = setTimeout(() => this.#sendDue(), this.#nextAt - performance.now());
  }

  #sendDue(): void {
    try {
      for (; this.#nextAt <= performance.now(); this.#nextAt += PACKET_GAP_MS) {
        const packet = new DataView(new ArrayBuffer(PACKET_BYTES));
        packet.setUint32(0, this.sent++);
        packet.setFloat64(TIME_AT, performance.now());
        this.#from.send(packet);
      }
      this.#schedule();
    } catch (error) {
      this.onfailure(error as Error);
    }
  }

  #receive(data: Uint8Array): void {
    const packet = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const sequence = packet.getUint32(0);
    if (data.byteLength !== PACKET_BYTES || sequence < this.#expected) {
      this.onfailure(
        new Error(`Packet ${sequence} came out of order or changed: ${this.#expected} was due.`),
      );
      return;
    }
    this.#record(performance.now() - packet.getFloat64(TIME_AT));
    this.received++;
    this.missing += sequence - this.#expected;
    this.#expected = sequence + 1;
  }
}

/** Connects a call between two logged-in peers. */
export async function openCall(
  caller: Peer,
  callee: Peer,
  record: (latencyMs: number) => void,
): Promise<[Direction, Direction]> {
  const answered = new Promise<Channel>((resolve) => {
    callee.onchannel = ({ channel }) => resolve(channel);
  });
  const near = await caller.open(callee.id, { priority: 'audio' });
  const far = await answered;
  return [new Direction(near, far, record), new Direction(far, near, record)];
}
