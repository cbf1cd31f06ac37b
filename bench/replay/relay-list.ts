/**
 * The list of relays that clients choose from, in both forms: what each relay last reported, so also of one that has ended
 * since. A fleet's directory would keep it.
 *
 *   reports  relay 0: 2 places    relay 1: down    relay 2: 3 places
 *   #deck    [ 0 2 2 0 2 ]        a relay's number for each of its places; place() draws one and does not put it back
 *
 * Ours names a relay as often as it has room, no more of its places than it has, and no faster than it takes logins. So those
 * who choose by one report fill all relays alike and none beyond its room, and those who wait do not come all at once for
 * the first relay that is back.
 * (Two at random, and the emptier of them, sends a whole relay's peers to others that are nearly full.)
 */
import { TokenBucket } from '../../core/overload/token-bucket.ts';
import { NAIVE_LIST } from './sim/settings.ts';

export interface RelayReport {
  /** Peers that are logged in, and logins that wait: they will have a place. */
  sessions: number;
  waiting: number;
  mostPeers: number;
  /** Logins that it takes in a second. */
  loginsPerSec: number;
}

export interface RelayListOptions {
  /** A number in [0, 1). */
  random: () => number;
  /** Of those that keep a list each, which one this is: it names its share of the places. Default: the only one. */
  part?: { index: number; of: number };
  /** Share of relays on the old allocation's list. */
  listShare?: number;
}

/** Less than this share of what the relays hold counts as none: a full network has a free place here and there always (a). */
const LEAST_ROOM = 0.015;
/** Of what a relay takes, what the list may send: others come by themselves. In a burst, so many milliseconds of it. */
const RATE_SHARE = 0.75;
const BURST_MS = 40;
/** Relays that are looked at for one that may be named now. */
const DRAWS = 4;

export class RelayList {
  readonly #random: () => number;
  readonly #part: { index: number; of: number };
  readonly #listShare: number;
  #up: number[] = [];
  #deck = new Int32Array(0);
  /** Of the array, what the deck fills. */
  #length = 0;
  /** Of the deck, those in front that were not drawn. */
  #undrawn = 0;
  /** How many may still be drawn. */
  #places = 0;
  /** By relay: when it may be named again. */
  readonly #rates: (TokenBucket | undefined)[] = [];
  #herd: number[] = [];

  constructor({ random, part = { index: 0, of: 1 }, listShare = NAIVE_LIST.share }: RelayListOptions) {
    this.#random = random;
    this.#part = part;
    this.#listShare = listShare;
  }

  /** @param reports by relay; null: it is down. @param now as `place` has it. */
  read(reports: readonly (RelayReport | null)[], now: number): void {
    this.#up = [];
    this.#places = 0;
    const rooms: number[] = [];
    for (const [relay, report] of reports.entries()) {
      if (report !== null) rooms.push(this.#enter(relay, report, now));
    }
    this.#undrawn = rooms.reduce((sum, room) => sum + room, 0);
    this.#length = this.#undrawn;
    this.#deck = new Int32Array(this.#length);
    let at = 0;
    for (const [k, relay] of this.#up.entries()) {
      this.#deck.fill(relay, at, at + rooms[k]!);
      at += rooms[k]!;
    }
    // Kept when nobody reports.
    if (this.#up.length === 0) return;
    const most = Math.max(1, Math.round(reports.length * this.#listShare));
    const load = (relay: number): number => reports[relay]!.sessions / reports[relay]!.mostPeers;
    this.#herd = [...this.#up].sort((a, b) => load(a) - load(b) || a - b).slice(0, most);
  }

  #rate(relay: number, loginsPerSec: number, now: number): void {
    const perSec = (loginsPerSec * RATE_SHARE) / this.#part.of;
    if (this.#rates[relay]?.perSec === perSec) return;
    this.#rates[relay] = new TokenBucket(Math.max(1, (perSec * BURST_MS) / 1_000), perSec, now);
  }

  /** What does not divide goes to another part for each relay. */
  #shareOf(room: number, relay: number): number {
    const { index, of } = this.#part;
    const k = (index + relay) % of;
    return Math.floor(((k + 1) * room) / of) - Math.floor((k * room) / of);
  }

  /** A relay that has come up says so at once. (The old allocation hears of it with the next reports.) */
  joined(relay: number, report: RelayReport, now: number): void {
    if (this.#up.includes(relay)) return;
    const room = this.#enter(relay, report, now);
    if (this.#length + room > this.#deck.length) {
      const deck = new Int32Array((this.#length + room) * 2);
      deck.set(this.#deck);
      this.#deck = deck;
    }
    this.#deck.copyWithin(this.#undrawn + room, this.#undrawn, this.#length);
    this.#deck.fill(relay, this.#undrawn, this.#undrawn + room);
    this.#undrawn += room;
    this.#length += room;
  }

  /** @returns the places that it has for this part of the list. */
  #enter(relay: number, report: RelayReport, now: number): number {
    const { sessions, waiting, mostPeers, loginsPerSec } = report;
    this.#up.push(relay);
    this.#rate(relay, loginsPerSec, now);
    const room = this.#shareOf(Math.max(0, mostPeers - sessions - waiting), relay);
    this.#places += room - (LEAST_ROOM * mostPeers) / this.#part.of;
    return room;
  }

  /** The place of a relay, which nobody else is named until the next report; null: there is none now, wait. */
  place(now: number): number | null {
    if (this.#places < 1) return null;
    for (let k = 0; k < DRAWS; k++) {
      const at = this.#below(this.#undrawn);
      const relay = this.#deck[at]!;
      if (this.#rates[relay]!.take(now) > 0) continue;
      this.#places--;
      this.#undrawn--;
      this.#deck[at] = this.#deck[this.#undrawn]!;
      this.#deck[this.#undrawn] = relay;
      return relay;
    }
    return null;
  }

  /** Any, as often as it has room, however often it was named: for relays without a bound. Without room anywhere any that was up; null: nobody was. */
  byRoom(): number | null {
    if (this.#length > 0) return this.#deck[this.#below(this.#length)]!;
    return this.anyUp();
  }

  anyUp(): number | null {
    return this.#up.length === 0 ? null : this.#up[this.#below(this.#up.length)]!;
  }

  /** The old allocation: the relays with the least load, the same for everybody, and for as long as nobody reports. */
  get herd(): readonly number[] {
    return this.#herd;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}
