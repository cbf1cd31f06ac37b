/**
 * What is known of relays elsewhere: the load that each last reported. Clients choose by it, so they choose by what was; a
 * relay that has ended since is in it until the next report.
 */
import type { Relay } from './relay.ts';
import { NAIVE_LIST } from './settings.ts';

/** Less than this share of what the relays hold counts as none: a full network has a free place here and there always (a). */
const LEAST_ROOM = 0.01;

export class Reports {
  /** Those that were up. */
  #up: Relay[] = [];
  /** Room of #up, added up: the k-th entry is that of the first k + 1 relays. */
  #room = new Float64Array(0);
  /** Places that may still be named until the next report. */
  #places = 0;
  /** The old allocation: the least loaded of them, the same for everybody. Kept when nobody reports. */
  #list: Relay[] = [];
  /** The old allocation's fault shows: nobody had seen it before the trigger. */
  faulty = false;
  /** Nobody on the list was up at the last second, and nobody can have come up since. */
  listIsDead = false;
  #unanswered = 0;
  readonly #random: () => number;
  readonly #listShare: number;

  constructor(random: () => number, listShare: number) {
    this.#random = random;
    this.#listShare = listShare;
  }

  read(relays: readonly Relay[]): void {
    this.settle();
    this.listIsDead = false;
    this.#up = relays.filter(({ up }) => up);
    for (const relay of relays) {
      relay.reported = relay.load;
      relay.reportedUp = relay.up;
    }
    const held = this.#up.reduce((sum, { mostPeers }) => sum + mostPeers, 0);
    let room = 0;
    this.#room = Float64Array.from(this.#up, ({ mostPeers, sessions }) => {
      room += Math.max(0, mostPeers - sessions);
      return room;
    });
    this.#places = room - LEAST_ROOM * held;
    if (this.#up.length === 0) return;
    const most = Math.max(NAIVE_LIST.least, Math.round(relays.length * this.#listShare));
    this.#list = [...this.#up].sort((a, b) => a.reported - b.reported || a.id - b.id).slice(0, most);
  }

  /**
   * A relay with room, of which no more are named than there are places since the last report, so that those who wait do
   * not come all at once for the first relay that is back; null: wait.
   */
  place(): Relay | null {
    if (this.#places < 1) return null;
    this.#places--;
    return this.byRoom();
  }

  get #allRoom(): number {
    return this.#room.at(-1) ?? 0;
  }

  /**
   * Ours: any, as often as it has room, so that those who choose by one report fill all relays alike and none beyond its
   * room. (Two at random, and the emptier of them, sends a whole relay's peers to others that are nearly full.) Without
   * room anywhere any that was up; null: nobody was.
   */
  byRoom(): Relay | null {
    if (this.#up.length === 0) return null;
    if (this.#allRoom === 0) return this.#any(this.#up);
    const at = this.#random() * this.#allRoom;
    let low = 0;
    let high = this.#room.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#room[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return this.#up[low]!;
  }

  /**
   * To be called once a second. While nobody on the old list is up, contacts are counted together and not one by one: in
   * a network that has collapsed they are nearly all there is.
   */
  settle(): void {
    for (const relay of this.#list) relay.contacts += this.#unanswered / this.#list.length;
    this.#unanswered = 0;
    this.listIsDead = this.faulty && this.#list.length > 0 && this.#list.every(({ up }) => !up);
  }

  /** So many contacts of relays on the old list, while it is dead. */
  unanswered(contacts: number): void {
    this.#unanswered += contacts;
  }

  /** Wherever it was before. */
  anyUp(): Relay | null {
    return this.#up.length === 0 ? null : this.#any(this.#up);
  }

  /** Naive: any of the list; while the fault sleeps, as everybody. */
  ofList(): Relay | null {
    if (!this.faulty) return this.byRoom();
    return this.#list.length === 0 ? null : this.#any(this.#list);
  }

  #any(relays: readonly Relay[]): Relay {
    return relays[Math.floor(this.#random() * relays.length)]!;
  }
}
