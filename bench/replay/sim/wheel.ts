/**
 * When each peer's next event is due: at most one for each, on virtual milliseconds. Typed arrays, no object per event.
 *
 *   seconds   [ list | list | list | ...            one list per second of the replay
 *   this one  [ list | list | ... 1,000 lists       one per millisecond, filled when its second begins
 *   parked    [ list | list | ... period    ]       one per millisecond of a period: due again and again
 *   lists are doubly linked through next and previous, so that an event can be taken back wherever it waits
 *
 * Parked are those who do the same in every period and change nothing by it: they are counted and not touched, until something
 * can change. In a network that has collapsed they are nearly all peers.
 *
 * Events of one millisecond come in the order that the lists have, which is the same in every run.
 */
const NONE = -1;
const MS = 1_000;

export class Wheel {
  readonly #next: Int32Array;
  /** The peer before, or -2 - list for the first of a list; NONE: it waits in none. */
  readonly #previous: Int32Array;
  /** Of a parked peer -1 - its list in the period. */
  readonly #dueMs: Int32Array;
  /** First of each list: MS of this second, then one per second, then those of the period. */
  readonly #heads: Int32Array;
  readonly #seconds: number;
  /** The second whose events are spread over milliseconds. */
  #second = 0;
  #now = 0;
  /** Peers that wait, and are not parked. */
  size = 0;
  readonly #periodMs: number;
  readonly #parked: Int32Array;

  /** @param lengthMs of the replay; what is due later never comes. @param periodMs of those who are parked. */
  constructor(peers: number, lengthMs: number, periodMs = 1) {
    this.#seconds = Math.ceil(lengthMs / MS) + 1;
    this.#next = new Int32Array(peers).fill(NONE);
    this.#previous = new Int32Array(peers).fill(NONE);
    this.#dueMs = new Int32Array(peers);
    this.#periodMs = periodMs;
    this.#parked = new Int32Array(periodMs);
    this.#heads = new Int32Array(MS + this.#seconds + periodMs).fill(NONE);
  }

  /** Replaces what the peer waited for. What would be due now, or before, is due with the next millisecond. */
  set(peer: number, atMs: number): void {
    this.clear(peer);
    const due = Math.max(this.#now + 1, Math.ceil(atMs));
    const second = Math.floor(due / MS);
    if (second >= this.#seconds) return;
    this.#dueMs[peer] = due;
    this.#link(peer, second === this.#second ? due % MS : MS + second);
    this.size++;
  }

  clear(peer: number): void {
    const before = this.#previous[peer]!;
    if (before === NONE) return;
    this.#unlink(peer, before);
    const dueMs = this.#dueMs[peer]!;
    if (dueMs < 0) this.#parked[-1 - dueMs]!--;
    else this.size--;
  }

  /** When the peer's event is due; -1: it has none. */
  dueOf(peer: number): number {
    return this.#previous[peer] === NONE ? -1 : Math.max(-1, this.#dueMs[peer]!);
  }

  /** Replaces what the peer waited for: from now on it is due at each period, and only counted. */
  park(peer: number): void {
    this.clear(peer);
    const at = this.#now % this.#periodMs;
    this.#dueMs[peer] = -1 - at;
    this.#link(peer, MS + this.#seconds + at);
    this.#parked[at]!++;
  }

  /** How many parked peers are due at this millisecond. */
  get parked(): number {
    return this.#parked[this.#now % this.#periodMs]!;
  }

  /** The next parked peer that is due at this millisecond, taken out; -1 when there is none. */
  unpark(): number {
    const at = this.#now % this.#periodMs;
    const peer = this.#heads[MS + this.#seconds + at]!;
    if (peer !== NONE) this.clear(peer);
    return peer;
  }

  /** Moves to a millisecond, one after the other. */
  moveTo(ms: number): void {
    if (ms < this.#now) throw new RangeError(`Time went back from ${this.#now} to ${ms}.`);
    this.#now = ms;
    const second = Math.floor(ms / MS);
    if (second !== this.#second) this.#spread(second);
  }

  /** The next peer whose event is due at this millisecond, taken out; -1 when there is none. */
  take(): number {
    const list = this.#now % MS;
    const peer = this.#heads[list]!;
    if (peer === NONE) return NONE;
    this.#unlink(peer, -2 - list);
    this.size--;
    return peer;
  }

  #spread(second: number): void {
    this.#second = second;
    const from = MS + second;
    let peer = this.#heads[from] ?? NONE;
    this.#heads[from] = NONE;
    while (peer !== NONE) {
      const next = this.#next[peer]!;
      this.#link(peer, this.#dueMs[peer]! % MS);
      peer = next;
    }
  }

  #link(peer: number, list: number): void {
    const first = this.#heads[list]!;
    this.#next[peer] = first;
    this.#previous[peer] = -2 - list;
    if (first !== NONE) this.#previous[first] = peer;
    this.#heads[list] = peer;
  }

  #unlink(peer: number, before: number): void {
    const next = this.#next[peer]!;
    if (before >= 0) this.#next[before] = next;
    else this.#heads[-2 - before] = next;
    if (next !== NONE) this.#previous[next] = before;
    this.#previous[peer] = NONE;
  }
}
