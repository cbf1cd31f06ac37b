/**
 * When each peer's next event is due: at most one for each, on virtual milliseconds. Typed arrays, no object per event.
 *
 *   near      [ list | list | ... NEAR seconds ]    one list per millisecond, of this second and those after it
 *   far       [ list | list | list | ...            one per second of the replay, spread over milliseconds when it is near
 *   parked    [ list | list | ... period       ]    one per millisecond of a period: due again and again
 *
 *   a row     next, previous, due | the peer's      one for each peer, then for each list: a ring of those who wait in it
 *
 * Parked are those who do the same in every period and change nothing by it: they are counted and not touched, until something
 * can change. In a network that has collapsed they are nearly all peers.
 *
 * All of a peer is in half a cache line (peers.ts has the rest of the row): with a million peers, what an event costs is mostly
 * the memory that it touches. To take out one peer of a list touches the next one, who is fetched meanwhile.
 *
 * Events of one millisecond come in the order that the lists have, which is the same in every run: those that were set while
 * their second ran, newest first, then those that were set before, oldest first.
 */
const NONE = -1;
const MS = 1_000;
/** More than the period of an old client, so that those who ask again and again are not spread from far. */
const NEAR = 16;
const NEAR_MS = NEAR * MS;

/** In words of 4 bytes. */
export const ROW_WORDS = 8;
/** Those that are the wheel's. */
export const WHEEL_WORDS = 3;
const ROW = ROW_WORDS;
const NEXT = 0;
/** NONE: it waits in no list. */
const PREVIOUS = 1;
/** Of a parked peer -1 - its list in the period. */
const DUE = 2;

export class Wheel {
  /** Of peers, and behind them of lists. */
  readonly rows: ArrayBuffer;
  readonly #rows: Int32Array;
  /** Nodes of the first list of each kind. */
  readonly #near: number;
  readonly #far: number;
  readonly #period: number;
  readonly #seconds: number;
  #second = 0;
  #now = 0;
  /** Peers that wait, and are not parked. */
  size = 0;
  readonly #periodMs: number;
  readonly #parked: Int32Array;

  /** @param lengthMs of the replay; what is due later never comes. @param periodMs of those who are parked. */
  constructor(peers: number, lengthMs: number, periodMs = 1) {
    this.#seconds = Math.ceil(lengthMs / MS) + 1;
    this.#periodMs = periodMs;
    this.#parked = new Int32Array(periodMs);
    this.#near = peers;
    this.#far = this.#near + NEAR_MS;
    this.#period = this.#far + this.#seconds;
    const nodes = this.#period + periodMs;
    this.rows = new ArrayBuffer(nodes * ROW * Int32Array.BYTES_PER_ELEMENT);
    this.#rows = new Int32Array(this.rows);
    for (let peer = 0; peer < peers; peer++) this.#rows[peer * ROW + PREVIOUS] = NONE;
    for (let list = peers; list < nodes; list++) this.#join(list, list);
  }

  /** Replaces what the peer waited for. What would be due now, or before, is due with the next millisecond. */
  set(peer: number, atMs: number): void {
    this.clear(peer);
    const due = Math.max(this.#now + 1, Math.ceil(atMs));
    const second = Math.floor(due / MS);
    if (second >= this.#seconds) return;
    this.#rows[peer * ROW + DUE] = due;
    if (second === this.#second) this.#addFirst(peer, this.#nearList(due));
    else this.#addLast(peer, second < this.#second + NEAR ? this.#nearList(due) : this.#far + second);
    this.size++;
  }

  clear(peer: number): void {
    if (this.#rows[peer * ROW + PREVIOUS] === NONE) return;
    this.#unlink(peer);
    const dueMs = this.#rows[peer * ROW + DUE]!;
    if (dueMs < 0) this.#parked[-1 - dueMs]!--;
    else this.size--;
  }

  /** Replaces what the peer waited for: from now on it is due at each period, and only counted. */
  park(peer: number): void {
    this.clear(peer);
    const at = this.#now % this.#periodMs;
    this.#rows[peer * ROW + DUE] = -1 - at;
    this.#addFirst(peer, this.#period + at);
    this.#parked[at]!++;
  }

  /** How many parked peers are due at this millisecond. */
  get parked(): number {
    return this.#parked[this.#now % this.#periodMs]!;
  }

  /** The next parked peer that is due at this millisecond, taken out; -1 when there is none. */
  unpark(): number {
    const at = this.#now % this.#periodMs;
    const peer = this.#takeFirst(this.#period + at);
    if (peer !== NONE) this.#parked[at]!--;
    return peer;
  }

  /** Moves to a millisecond, one after the other. */
  moveTo(ms: number): void {
    if (ms < this.#now) throw new RangeError(`Time went back from ${this.#now} to ${ms}.`);
    this.#now = ms;
    const second = Math.floor(ms / MS);
    while (this.#second < second) this.#spread(++this.#second + NEAR - 1);
  }

  /** The next peer whose event is due at this millisecond, taken out; -1 when there is none. */
  take(): number {
    const peer = this.#takeFirst(this.#nearList(this.#now));
    if (peer !== NONE) this.size--;
    return peer;
  }

  /** A second has come near. */
  #spread(second: number): void {
    if (second >= this.#seconds) return;
    const list = this.#far + second;
    for (let peer = this.#takeFirst(list); peer !== NONE; peer = this.#takeFirst(list)) {
      this.#addLast(peer, this.#nearList(this.#rows[peer * ROW + DUE]!));
    }
  }

  #nearList(ms: number): number {
    return this.#near + (ms % NEAR_MS);
  }

  #addFirst(peer: number, list: number): void {
    const first = this.#rows[list * ROW + NEXT]!;
    this.#join(list, peer);
    this.#join(peer, first);
  }

  #addLast(peer: number, list: number): void {
    const last = this.#rows[list * ROW + PREVIOUS]!;
    this.#join(last, peer);
    this.#join(peer, list);
  }

  #takeFirst(list: number): number {
    const peer = this.#rows[list * ROW + NEXT]!;
    if (peer === list) return NONE;
    this.#unlink(peer);
    return peer;
  }

  #unlink(peer: number): void {
    const rows = this.#rows;
    this.#join(rows[peer * ROW + PREVIOUS]!, rows[peer * ROW + NEXT]!);
    rows[peer * ROW + PREVIOUS] = NONE;
  }

  #join(node: number, next: number): void {
    this.#rows[node * ROW + NEXT] = next;
    this.#rows[next * ROW + PREVIOUS] = node;
  }
}
