/** What the peers of a load process know of relays elsewhere: their part of the list, and each relay's retry budget. */
import { RetryBudget } from '../../../core/overload/retry-budget.ts';
import { RelayList, type RelayListOptions, type RelayReport } from '../relay-list.ts';

export class RelayBoard {
  readonly #list: RelayList;
  readonly #budgets: RetryBudget[] = [];
  /** From the trigger on the old allocation sends everybody to the same few. */
  herds = false;

  constructor(options: RelayListOptions) {
    this.#list = new RelayList(options);
  }

  read(reports: readonly (RelayReport | null)[]): void {
    this.#list.read(reports, performance.now());
    while (this.#budgets.length < reports.length) this.#budgets.push(new RetryBudget());
  }

  joined(relay: number, report: RelayReport): void {
    this.#list.joined(relay, report, performance.now());
  }

  place(): number | null {
    return this.#list.place(performance.now());
  }

  byRoom(): number | null {
    return this.#list.byRoom();
  }

  /** The same for everybody. */
  get herd(): readonly number[] {
    return this.#list.herd;
  }

  /** A login was sent to this relay. @param nowMs of the clock, as a relay's own budget would have it. */
  asked(relay: number, nowMs: number): void {
    this.#budgets[relay]?.request(nowMs);
  }

  /** Whether a peer that found this relay full may ask another one now. */
  mayRedirect(relay: number, nowMs: number): boolean {
    return this.#budgets[relay]?.mayRetry(nowMs) ?? false;
  }
}
