/**
 * What the peers of a load process know of relays elsewhere: the load that each last told, so also of one that has ended
 * since. A fleet's directory would tell it; here the run does, as often as in the simulation.
 */
import { RetryBudget } from '../../../core/overload/retry-budget.ts';
import type { Draws } from '../../load/scenarios/draws.ts';
import { NAIVE_LIST } from '../sim/settings.ts';

export class RelayBoard {
  /** Peers over the peers that it can hold; null: it was down. */
  #loads: (number | null)[];
  #up: number[] = [];
  #roomy: number[] = [];
  #listed: number[] = [];
  readonly #budgets: RetryBudget[] = [];
  /** From the trigger on the old allocation sends everybody to the same few. */
  herds = false;

  constructor(relays: number) {
    this.#loads = Array.from({ length: relays }, () => 0);
    this.read(this.#loads);
  }

  read(loads: readonly (number | null)[]): void {
    this.#loads = [...loads];
    const all = loads.map((_, relay) => relay);
    this.#up = all.filter((relay) => loads[relay] !== null);
    this.#roomy = this.#up.filter((relay) => loads[relay]! < 1);
    while (this.#budgets.length < loads.length) this.#budgets.push(new RetryBudget());
    // Kept when nobody tells anything.
    if (this.#up.length === 0) return;
    const most = Math.max(NAIVE_LIST.least, Math.round(loads.length * NAIVE_LIST.share));
    this.#listed = [...this.#up].sort((a, b) => loads[a]! - loads[b]! || a - b).slice(0, most);
  }

  get anyRoom(): boolean {
    return this.#roomy.length > 0;
  }

  /** The same for everybody. */
  get listed(): readonly number[] {
    return this.#listed;
  }

  /** Of two with room the one that told less (Mitzenmacher, 2001: the power of two choices). */
  ofTwo(draws: Draws): number {
    const from = this.#roomy.length > 0 ? this.#roomy : this.#up.length > 0 ? this.#up : this.#listed;
    const one = from[draws.below(from.length)]!;
    const other = from[draws.below(from.length)]!;
    return (this.#loads[other] ?? 1) < (this.#loads[one] ?? 1) ? other : one;
  }

  /** A login was sent to this relay. @param nowMs of the clock, as a relay's own budget would have it. */
  asked(relay: number, nowMs: number): void {
    this.#budgets[relay]?.request(nowMs);
  }

  /** Whether a peer that found this relay full may ask another one now. */
  mayRedirect(relay: number, nowMs: number): boolean {
    return this.anyRoom && (this.#budgets[relay]?.mayRetry(nowMs) ?? false);
  }
}
