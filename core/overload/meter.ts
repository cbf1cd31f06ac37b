/**
 * What one peer may send, or be sent: a bucket of bytes and one of frames, whose rate is the least of the peer's own budget
 * and of its share of what it uses together with others (fair-share.ts).
 *
 *     level  burst ──────────── all classes pass
 *            1/2 burst ──────── bulk no more
 *            1/4 burst ──────── video neither
 *            1/8 burst ──────── messages neither
 *            0 ──────────────── audio neither
 *            -burst ─────────── nor signal, which alone is beyond the budget now
 *
 * So a peer that wants more than it may have gets its more important classes whole, and of the first class that does not
 * fit what is left. `charge` is on the packet path: it subtracts and compares, and looks at no clock; `refill` is called
 * every few tens of milliseconds.
 */

/** What must be left in the buckets for a class to pass, by class, as a part of the burst. */
const RESERVE = [-1, 0, 1 / 8, 1 / 4, 1 / 2] as const;
/** Number of classes: what `shedFrom` is when all of them pass. */
export const SHED_NOTHING = RESERVE.length;
const LOWEST = SHED_NOTHING - 1;

/** Bursts, as time at the rate: of a peer's own budget, and of a share, which others wait for. */
const OWN_BURST_S = 1;
const SHARE_BURST_S = 0.25;
/** Two packets: or a rate could be so low that nothing ever passes. */
const LEAST_BURST_BYTES = 3_000;
const LEAST_BURST_FRAMES = 4;
/** The measured rate forgets with this time constant. */
const RATE_MS = 200;
/** How long a peer that wanted more counts as one that does. */
const WANTS_MS = 250;

/** Both at once; Infinity: no limit. */
export interface Rates {
  bytesPerSec: number;
  framesPerSec: number;
}
export const UNLIMITED: Rates = Object.freeze({
  bytesPerSec: Number.POSITIVE_INFINITY,
  framesPerSec: Number.POSITIVE_INFINITY,
});

export class Meter {
  /** Classes from this number on do not pass. */
  shedFrom: number = SHED_NOTHING;
  /** What went through since `refill`. */
  usedBytes = 0;
  usedFrames = 0;
  /** Set by the owner when something had to wait or was shed; `refill` takes it back. */
  wanted = false;
  /** What went through lately. */
  readonly rate = { bytesPerSec: 0, framesPerSec: 0 };
  #own: Rates;
  #bytesPerSec = Number.POSITIVE_INFINITY;
  #framesPerSec = Number.POSITIVE_INFINITY;
  #burstBytes = Number.POSITIVE_INFINITY;
  #burstFrames = Number.POSITIVE_INFINITY;
  #bytes = Number.POSITIVE_INFINITY;
  #frames = Number.POSITIVE_INFINITY;
  /** Below these some class no longer passes. */
  #bytesMark = Number.POSITIVE_INFINITY;
  #framesMark = Number.POSITIVE_INFINITY;
  #at: number;
  #wantedBytesMs = Number.NEGATIVE_INFINITY;
  #wantedFramesMs = Number.NEGATIVE_INFINITY;

  /** Its buckets are full. */
  constructor(own: Rates, now: number) {
    this.#own = own;
    this.#at = now;
    this.limit(UNLIMITED);
  }

  /** A budget of its own that holds from now on. */
  set own(own: Rates) {
    this.#own = own;
  }

  /** False: nothing limits it now. */
  get limited(): boolean {
    return this.#bytesPerSec !== Number.POSITIVE_INFINITY || this.#framesPerSec !== Number.POSITIVE_INFINITY;
  }

  get bytesPerSec(): number {
    return this.#bytesPerSec;
  }

  get framesPerSec(): number {
    return this.#framesPerSec;
  }

  /** Bytes that are there; below zero: owed. */
  get bytes(): number {
    return this.#bytes;
  }

  /** It has all that it can hold: nothing is owed to it by time. */
  get full(): boolean {
    return this.#bytes >= this.#burstBytes && this.#frames >= this.#burstFrames;
  }

  /** Whether it wanted more than it got in the last moments, and was short of bytes. */
  get wantsBytes(): boolean {
    return this.#at - this.#wantedBytesMs < WANTS_MS;
  }

  /** The same, of frames. */
  get wantsFrames(): boolean {
    return this.#at - this.#wantedFramesMs < WANTS_MS;
  }

  /** Its share of what it has together with others. */
  limit(share: Rates): void {
    const { bytesPerSec, framesPerSec } = this.#own;
    this.#bytesPerSec = Math.min(bytesPerSec, share.bytesPerSec);
    this.#framesPerSec = Math.min(framesPerSec, share.framesPerSec);
    this.#burstBytes = Math.max(
      LEAST_BURST_BYTES,
      Math.min(bytesPerSec * OWN_BURST_S, share.bytesPerSec * SHARE_BURST_S),
    );
    this.#burstFrames = Math.max(
      LEAST_BURST_FRAMES,
      Math.min(framesPerSec * OWN_BURST_S, share.framesPerSec * SHARE_BURST_S),
    );
    this.#bytesMark = this.#burstBytes * RESERVE[LOWEST]!;
    this.#framesMark = this.#burstFrames * RESERVE[LOWEST]!;
    // What was without a limit has a full bucket when it gets one.
    this.#bytes = Math.min(this.#bytes, this.#burstBytes);
    this.#frames = Math.min(this.#frames, this.#burstFrames);
    // And what has none any more owes nothing.
    if (this.#burstBytes === Number.POSITIVE_INFINITY) this.#bytes = Number.POSITIVE_INFINITY;
    if (this.#burstFrames === Number.POSITIVE_INFINITY) this.#frames = Number.POSITIVE_INFINITY;
    this.#classify();
  }

  /** Something went through. PACKET PATH. */
  charge(bytes: number, frames: number): void {
    this.usedBytes += bytes;
    this.usedFrames += frames;
    this.#bytes -= bytes;
    this.#frames -= frames;
    if (this.#bytes <= this.#bytesMark || this.#frames <= this.#framesMark) this.#classify();
  }

  /** Something went through whose bytes were reserved before. PACKET PATH. */
  chargeReserved(bytes: number, frames: number): void {
    this.usedBytes += bytes;
    this.usedFrames += frames;
    this.#frames -= frames;
    if (this.#frames <= this.#framesMark) this.#classify();
  }

  /** Bytes that may be reserved for a class now. */
  room(priority: number): number {
    if (priority >= this.shedFrom) return 0;
    if (this.#bytes === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.#bytes - this.#burstBytes * RESERVE[priority]!);
  }

  /** Takes bytes that will go through later. */
  reserve(bytes: number): void {
    this.#bytes -= bytes;
    this.#classify();
  }

  /** It was full, and is used again: time before `now` brings nothing more. */
  resume(now: number): void {
    this.#at = now;
  }

  /** What time has brought. A clock that jumps back brings nothing, one that jumps ahead fills the buckets. */
  refill(now: number): void {
    const elapsedMs = Math.max(0, now - this.#at);
    this.#at = now;
    if (this.wanted) {
      if (this.#bytes <= this.#bytesMark) this.#wantedBytesMs = now;
      if (this.#frames <= this.#framesMark) this.#wantedFramesMs = now;
      this.wanted = false;
    }
    if (elapsedMs > 0) {
      const weight = Math.min(1, elapsedMs / RATE_MS);
      const { rate } = this;
      rate.bytesPerSec += ((this.usedBytes * 1_000) / elapsedMs - rate.bytesPerSec) * weight;
      rate.framesPerSec += ((this.usedFrames * 1_000) / elapsedMs - rate.framesPerSec) * weight;
      this.usedBytes = 0;
      this.usedFrames = 0;
      const seconds = elapsedMs / 1_000;
      this.#bytes = Math.min(this.#burstBytes, this.#bytes + this.#bytesPerSec * seconds);
      this.#frames = Math.min(this.#burstFrames, this.#frames + this.#framesPerSec * seconds);
    }
    this.#classify();
  }

  #classify(): void {
    this.shedFrom = Math.min(
      passing(this.#bytes, this.#burstBytes),
      passing(this.#frames, this.#burstFrames),
    );
  }
}

/** How many classes pass, highest first. */
function passing(level: number, burst: number): number {
  if (burst === Number.POSITIVE_INFINITY) return SHED_NOTHING;
  let classes: number = SHED_NOTHING;
  while (classes > 0 && level <= burst * RESERVE[classes - 1]!) classes--;
  return classes;
}
