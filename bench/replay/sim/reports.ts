/** The list of relays as the simulated peers use it, and contacts of an old list on which nobody is left. */
import { RelayList } from '../relay-list.ts';
import type { Relay } from './relay.ts';
import { NAIVE } from './settings.ts';

export class Reports {
  readonly #list: RelayList;
  readonly #random: () => number;
  #relays: readonly Relay[] = [];
  #herd: Relay[] = [];
  /** The old allocation's fault shows: nobody had seen it before the trigger. */
  faulty = false;
  /** Nobody on the old list was up at the last step, and nobody can have come up since. */
  listIsDead = false;
  #unanswered = 0;

  constructor(random: () => number, listShare: number) {
    this.#random = random;
    this.#list = new RelayList({ random, listShare });
  }

  read(relays: readonly Relay[], now: number): void {
    this.settle();
    this.listIsDead = false;
    this.#relays = relays;
    this.#list.read(
      relays.map((relay) => (relay.up ? relay.report : null)),
      now,
    );
    this.#herd = this.#list.herd.map((id) => relays[id]!);
  }

  joined(relay: Relay, now: number): void {
    this.#list.joined(relay.id, relay.report, now);
  }

  /** Ours, where relays have a bound; null: wait. */
  place(now: number): Relay | null {
    return this.#relay(this.#list.place(now));
  }

  byRoom(): Relay | null {
    return this.#relay(this.#list.byRoom());
  }

  /** Wherever it was before. */
  anyUp(): Relay | null {
    return this.#relay(this.#list.anyUp());
  }

  /** Naive: any of the old list; while the fault sleeps, as everybody. */
  ofList(): Relay | null {
    if (!this.faulty) return this.byRoom();
    return this.#herd.length === 0 ? null : this.#herd[Math.floor(this.#random() * this.#herd.length)]!;
  }

  /** How many relays an old client asks at once. */
  get atOnce(): number {
    return this.faulty ? Math.min(NAIVE.atOnce, this.#herd.length) : NAIVE.atOnce;
  }

  /**
   * To be called at each step. While nobody on the old list is up, contacts are counted together and not one by one: in
   * a network that has collapsed they are nearly all there is.
   */
  settle(): void {
    for (const relay of this.#herd) relay.contacts += this.#unanswered / this.#herd.length;
    this.#unanswered = 0;
    this.listIsDead = this.faulty && this.#herd.length > 0 && this.#herd.every(({ up }) => !up);
  }

  /** So many contacts of relays on the old list, while it is dead. */
  unanswered(contacts: number): void {
    this.#unanswered += contacts;
  }

  #relay(id: number | null): Relay | null {
    return id === null ? null : this.#relays[id]!;
  }
}
