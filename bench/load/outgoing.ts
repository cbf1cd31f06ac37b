/** What one lane sends: its cycle, how far it has come, and when its packets are due or were sent. PACKET PATH. */
import type { Credit } from './dialect.ts';
import type { PacketCycle } from './packet-cycle.ts';
import type { Sender } from './sender.ts';

/** When an open loop's packets are due: `burst` of them at `firstMs`, and as many every `everyMs` after it. */
export interface Schedule {
  firstMs: number;
  everyMs: number;
  burst: number;
}

/** `probe` while no packet under way is timed, and where none ever is. */
const NO_PROBE = -1;
const UNTIMED = -2;

export class Outgoing {
  readonly cycle: PacketCycle;
  readonly schedule: Schedule | null;
  readonly #sender: Sender;
  readonly #credit: Credit | null;
  /** The packets as the credit counts them: those of `cycle` may be in messages. */
  readonly #bare: PacketCycle;
  /** Packets that are to be sent as soon as the system takes them. */
  owed = 0;
  #sent = 0;
  /** The packet under way that is timed, as a number of the stream, and when it was sent. */
  #probe: number;
  #probeSentAtMs = 0;

  /** @param schedule null in a closed loop, where one packet under way is timed at a time. */
  constructor(
    sender: Sender,
    cycle: PacketCycle,
    bare: PacketCycle,
    credit: Credit | null,
    schedule: Schedule | null,
  ) {
    this.#sender = sender;
    this.cycle = cycle;
    this.#bare = bare;
    this.#credit = credit;
    this.schedule = schedule;
    this.#probe = schedule === null ? NO_PROBE : UNTIMED;
    if (credit !== null) credit.grown = () => sender.flush();
  }

  get sent(): number {
    return this.#sent;
  }

  /** Index in the cycle of the packet to send next. */
  get index(): number {
    return this.#sent % this.cycle.packets;
  }

  /** So many more packets are to be sent: by the next flush of the peer's sender. */
  owe(packets: number): void {
    if (this.owed === 0) this.#sender.list(this);
    this.owed += packets;
  }

  flush(): void {
    this.#sender.flush();
  }

  /** Of the packets owed, those that the credit covers. */
  sendable(): number {
    const credit = this.#credit;
    if (credit === null) return this.owed;
    const before = this.#bare.bytesUpTo(this.#sent);
    let count = this.owed;
    while (count > 0 && this.#bare.bytesUpTo(this.#sent + count) - before > credit.bytes) count--;
    return count;
  }

  /** Packets are being written. */
  advance(count: number): void {
    if (this.#probe === NO_PROBE) {
      this.#probe = this.#sent;
      this.#probeSentAtMs = performance.now();
    }
    if (this.#credit !== null) {
      this.#credit.bytes -= this.#bare.bytesUpTo(this.#sent + count) - this.#bare.bytesUpTo(this.#sent);
    }
    this.#sent += count;
    this.owed -= count;
  }

  /** @returns when the timed packet was sent if it is before `number` of the stream, and times the next one; else null. */
  takeProbe(number: number): number | null {
    if (this.#probe < 0 || this.#probe >= number) return null;
    this.#probe = NO_PROBE;
    return this.#probeSentAtMs;
  }
}
