/**
 * How much is on its way to a receiver: in the socket, in the kernel's buffers here and there, and on the network. What was
 * handed to a socket cannot be taken back, and a kernel takes megabytes for a receiver that reads a packet a minute: audio
 * would wait behind all of that. So the relay asks: WebSocket pings go with the data, and a pong says that everything
 * before its ping was read.
 *
 *   sent ----------------------------------------->|
 *   acked ------------>|   in flight, at most `windowBytes`; beyond it the session is under pressure
 *                   ping 7        ping 8       ping 9
 *
 * The window follows the delay, as in TCP Vegas (Brakmo and Peterson, 1995) and FAST (Wei et al., 2006): with a queueing
 * delay above TARGET_MS it becomes what would have waited that long, else it grows when it was the limit: doubles as long as no
 * delay was seen, as TCP starts slowly; by an eighth a round trip from where one was (doubling there swung the delay of audio
 * between 40 and 180 ms). Owned by one
 * session, and only by one that has a realtime channel: nobody else pays for it. Its first ping goes with its first data, before
 * anything can queue, and gives the round trip that delays are compared with.
 */
export const FIRST_MARK_BYTES = 16 * 1024;
export const FIRST_WINDOW_BYTES = 32 * 1024;
/** Voice of a second; a window below it would hold back who is merely far away. */
export const LEAST_WINDOW_BYTES = 8 * 1024;
export const MOST_WINDOW_BYTES = 16 * 1024 * 1024;
const MOST_MARK_BYTES = 1024 * 1024;
/** Queueing delay that is aimed at: a voice packet's length, which a jitter buffer hides. */
export const TARGET_MS = 20;
/** Beyond it nobody doubts that the receiver is slow. */
const FAR_BEYOND_MS = 5 * TARGET_MS;
/** A fast receiver is asked about this often. */
const EVERY_MS = 50;
const RATE_MS = 10;
/** The shortest round trip is forgotten after one to two of these, as routes change; under congestion it cannot be measured anew. */
const BASE_MS = 10_000;
const CONGESTED_BASE_MS = 120_000;
const MOST_PINGS = 16;
/** Growth of the window that a delay was seen at, or near; and how long after the last delay that is forgotten. */
const CAREFUL = 1 / 8;
const CAREFUL_MS = 2_000;

export class Flight {
  windowBytes = FIRST_WINDOW_BYTES;
  /** Bytes after which the next ping is due. */
  markBytes = FIRST_MARK_BYTES;
  #sent = 0;
  #acked = 0;
  /** True when the window held something back since the last pong. */
  #limited = false;
  #baseMs = Number.POSITIVE_INFINITY;
  #formerBaseMs = Number.POSITIVE_INFINITY;
  #baseSinceMs: number;
  /** Bytes that had been read at a pong some time ago, and when that was: the rate since is what the receiver takes. */
  #rateAcked = 0;
  #rateMs: number;
  #changedMs = 0;
  /** When a delay above the target was seen last. */
  #delayedMs = Number.NEGATIVE_INFINITY;
  #seq = 0;
  /** Pings without a pong, oldest first: the bytes sent before each, those in flight then, and when. */
  #pings: { seq: number; sent: number; inFlight: number; atMs: number }[] = [];

  constructor(now: number) {
    this.#baseSinceMs = now;
    this.#changedMs = now;
    this.#rateMs = now;
  }

  get inFlightBytes(): number {
    return this.#sent - this.#acked;
  }

  /** Bytes that may go now. */
  get roomBytes(): number {
    return this.windowBytes - this.inFlightBytes;
  }

  /** Nothing that is under way will say when there is room. */
  get unasked(): boolean {
    return this.#pings.length === 0 && this.inFlightBytes > 0;
  }

  sent(bytes: number): void {
    this.#sent += bytes;
    if (this.roomBytes <= 0) this.#limited = true;
  }

  /** @returns the number of the ping that is to be sent behind all that was sent; 0: none, enough are under way. */
  ping(now: number): number {
    if (this.#pings.length >= MOST_PINGS) return 0;
    this.#seq = (this.#seq + 1) >>> 0 || 1;
    this.#pings.push({ seq: this.#seq, sent: this.#sent, inFlight: this.inFlightBytes, atMs: now });
    return this.#seq;
  }

  /** The newest ping was not sent after all. */
  takeBack(seq: number): void {
    if (this.#pings.at(-1)?.seq === seq) this.#pings.pop();
  }

  /** @param lagMs how late this thread itself is: a pong waits for it too, which is not the receiver's fault. */
  pong(seq: number, now: number, lagMs: number): void {
    const index = this.#pings.findIndex((ping) => ping.seq === seq);
    // A pong that was not asked for says nothing.
    if (index < 0) return;
    const { sent, inFlight, atMs } = this.#pings[index]!;
    this.#pings.splice(0, index + 1);
    this.#acked = Math.max(this.#acked, sent);
    this.#adapt(atMs, inFlight, now, lagMs);
  }

  #adapt(atMs: number, inFlight: number, now: number, lagMs: number): void {
    const rttMs = Math.max(0.05, now - atMs);
    const congested = rttMs - Math.min(this.#baseMs, this.#formerBaseMs) > TARGET_MS + lagMs;
    if (now - this.#baseSinceMs > (congested ? CONGESTED_BASE_MS : BASE_MS)) {
      this.#formerBaseMs = this.#baseMs;
      this.#baseMs = Number.POSITIVE_INFINITY;
      this.#baseSinceMs = now;
    }
    this.#baseMs = Math.min(this.#baseMs, rttMs);
    const baseMs = Math.min(this.#baseMs, this.#formerBaseMs);
    // What was sent before the window changed says nothing of how it is now: one change a round trip.
    if (atMs < this.#changedMs) return;
    if (rttMs - baseMs > TARGET_MS + lagMs) {
      this.#changedMs = now;
      this.#delayedMs = now;
      const fits = (inFlight * (baseMs + TARGET_MS)) / rttMs;
      if (fits < this.windowBytes) {
        // Half of the way, so that one pong that is a little late is not taken for a slow receiver.
        const sure = rttMs - baseMs > FAR_BEYOND_MS + lagMs;
        this.windowBytes = Math.max(LEAST_WINDOW_BYTES, sure ? fits : (this.windowBytes + fits) / 2);
        this.markBytes = Math.min(this.markBytes, this.windowBytes / 4);
      }
    } else if (this.#limited) {
      // A ping from before the window was full has not tried it.
      if (inFlight * 2 < this.windowBytes) return;
      this.#changedMs = now;
      const careful = now - this.#delayedMs < CAREFUL_MS;
      this.windowBytes = Math.min(MOST_WINDOW_BYTES, this.windowBytes * (careful ? 1 + CAREFUL : 2));
    } else this.#measure(now);
    this.#limited = this.roomBytes <= 0;
  }

  /** A receiver that takes much without delay is asked less often. */
  #measure(now: number): void {
    const ms = now - this.#rateMs;
    if (ms < RATE_MS) return;
    const perMs = (this.#acked - this.#rateAcked) / ms;
    this.#rateAcked = this.#acked;
    this.#rateMs = now;
    const least = Math.min(FIRST_MARK_BYTES, this.windowBytes / 4);
    this.markBytes = Math.min(MOST_MARK_BYTES, Math.max(least, perMs * EVERY_MS));
    const wanted = Math.min(MOST_WINDOW_BYTES, this.markBytes * 2, this.windowBytes * 2);
    this.windowBytes = Math.max(this.windowBytes, wanted);
  }
}
