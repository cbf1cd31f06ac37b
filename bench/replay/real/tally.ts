/** What a load process counts. One object of the whole process; everything but `online` and `wanting` only grows. */
import { LatencyRecorder } from '../../load/latency.ts';
import { CLASSES, type TrafficClass } from '../outcome.ts';
import type { LoadSample } from './messages.ts';

/** Of criterion 3. */
export const WINDOW_MS = 10 * 60_000;

export class Tally {
  online = 0;
  wanting = 0;
  due = 0;
  contacts = 0;
  attempts = 0;
  logins = 0;
  refused = 0;
  crashes = 0;
  crashesAgain = 0;
  readonly paced = { contacts: 0, packets: 0 };
  readonly perRelay: number[] = [];
  readonly waits = new LatencyRecorder();
  readonly audioDelays = new LatencyRecorder();
  /** Since the last sample. */
  readonly storeMs: number[] = [];
  readonly calls = { onSurvivors: 0, broken: 0 };
  readonly #asked = new Map<number, { attempts: number; distinct: number }>();
  /** Set with the trigger: what is counted since then. */
  triggered = false;

  /** @param fresh whether this want has asked for the first time in its window. */
  asked(replayMs: number, fresh: boolean): void {
    const window = Math.floor(replayMs / WINDOW_MS);
    let entry = this.#asked.get(window);
    if (!entry) {
      entry = { attempts: 0, distinct: 0 };
      this.#asked.set(window, entry);
    }
    entry.attempts++;
    if (fresh) entry.distinct++;
  }

  windowOf(replayMs: number): number {
    return Math.floor(replayMs / WINDOW_MS);
  }

  windows(): { window: number; attempts: number; distinct: number }[] {
    return [...this.#asked].map(([window, entry]) => ({ window, ...entry }));
  }

  contacted(relay: number): void {
    this.contacts++;
    if (this.triggered) this.perRelay[relay] = (this.perRelay[relay] ?? 0) + 1;
  }

  sample(): LoadSample {
    const { online, wanting, due, contacts, attempts, logins, refused, paced, perRelay } = this;
    const stores = this.storeMs.splice(0).sort((a, b) => a - b);
    const storeMs = stores[stores.length >> 1] ?? 0;
    return {
      kind: 'sample',
      online,
      wanting,
      due,
      contacts,
      attempts,
      logins,
      refused,
      paced,
      perRelay,
      storeMs,
    };
  }
}

/** Index of a class in what is counted per class. */
export const CLASS = Object.fromEntries(CLASSES.map((name, index) => [name, index])) as Record<
  TrafficClass,
  number
>;
