/**
 * One relay of the replay: it holds the policy classes that a relay runs (core/overload), its sessions as a list through
 * the peers' arrays, and what it did since the last sample. The world calls it; nothing here knows of other relays.
 */
import { Admission } from '../../../core/overload/admission.ts';
import { RetryBudget } from '../../../core/overload/retry-budget.ts';
import { ShedLevel } from '../../../core/overload/shed-level.ts';
import { MAX_LOGINS_PENDING } from '../../../core/protocol/limits.ts';
import { CLASSES } from '../outcome.ts';
import type { RelayReport } from '../relay-list.ts';
import { CLASS_MS, SESSION_MS } from './costs.ts';
import { Fifo } from './fifo.ts';

/** A login under way: the peer and its round, in one number, so that queues hold no objects. Below 0: of the storm. */
export type Ask = number;
const ROUNDS = 1 << 16;
export const askOf = (peer: number, round: number): Ask => peer * ROUNDS + round;
export const peerOf = (ask: Ask): number => Math.floor(ask / ROUNDS);
export const roundOf = (ask: Ask): number => ask % ROUNDS;

/** Requests by which the level of shedding is told how long work waits, for each second under pressure. */
const PROBES = 40;
/** What a probe waited: nothing much, or what is overload by any measure (ShedLevel's limit is 20 ms). */
const BULK = CLASSES.indexOf('bulk');
const QUICK_MS = 1;
const LATE_MS = 100;

export class Relay {
  readonly id: number;
  /** Peers that it holds at most; a relay without admission takes more. */
  readonly mostPeers: number;
  /** CPU milliseconds a second. */
  readonly budgetMs: number;
  /** Logins a second that it is told to take; null: what its processor can. */
  readonly loginsPerSec: number | null;
  up = true;
  /** When it serves again, once it is down. */
  upAtMs = 0;
  /** That the trigger ended it. */
  ended = false;
  sessions = 0;
  /** First of its sessions; -1: none. */
  first = -1;
  admission: Admission<Ask>;
  readonly budget = new RetryBudget();
  #shed: ShedLevel | null = null;
  readonly queue = new Fifo();
  /** It is in the list of those that have logins to serve. */
  busy = false;
  /** CPU that logins may use and have not. */
  creditMs = 0;
  /** Taken from admission at the last look. */
  taken = 0;
  /** Seconds in a row with more work than it can do. */
  secondsOver = 0;
  /** In a row with too little audio. */
  secondsMute = 0;

  // Of this step: written by the world, read by the step's accounts.
  contactMs = 0;
  /** Of telling the contacts of those who came: bulk, where there are classes. */
  presenceMs = 0;
  loginMs = 0;
  /** Of this minute. */
  contacts = 0;
  readonly offered = new Float64Array(CLASSES.length);
  readonly served = new Float64Array(CLASSES.length);

  readonly #random: () => number;

  constructor(id: number, mostPeers: number, loginsPerSec: number | null, random: () => number) {
    this.id = id;
    this.mostPeers = mostPeers;
    this.loginsPerSec = loginsPerSec;
    this.budgetMs = mostPeers * SESSION_MS;
    this.#random = random;
    this.admission = this.#admission();
  }

  get load(): number {
    return this.sessions / this.mostPeers;
  }

  get report(): RelayReport {
    const { sessions, waiting, mostPeers, admission } = this;
    return { sessions, waiting, mostPeers, loginsPerSec: admission.perSec };
  }

  get sessionMs(): number {
    return this.sessions * SESSION_MS;
  }

  get waiting(): number {
    return this.queue.size + this.admission.queued;
  }

  /** A process that has started anew knows nothing of before. */
  restart(): void {
    this.admission = this.#admission();
    this.#shed = null;
    this.queue.clear();
    this.creditMs = 0;
    this.taken = 0;
    this.secondsOver = 0;
    this.secondsMute = 0;
  }

  #admission(): Admission<Ask> {
    // As the login desk of a relay has it (core/relay/login-desk.ts), and by default.
    return new Admission<Ask>({
      perSec: this.loginsPerSec ?? 'measured',
      initialPerSec: 1_000,
      mostPending: MAX_LOGINS_PENDING,
      random: this.#random,
    });
  }

  /**
   * The packets of a step of so many seconds that ends now, in the order of priority, with what logins left of the budget. A
   * relay that sheds asks ShedLevel what of each class it takes.
   */
  forward(sheds: boolean, seconds: number, now: number): void {
    const roomMs = Math.max(0, this.budgetMs * seconds - this.loginMs);
    const wantedMs = this.sessionMs * seconds + this.presenceMs;
    const { offered, served } = this;
    for (let k = 0; k < CLASSES.length; k++) offered[k] = this.sessions * CLASS_MS[k]! * seconds;
    offered[BULK]! += this.presenceMs;
    this.presenceMs = 0;
    if (!sheds) {
      // No classes: all get the same share.
      const share = wantedMs > roomMs ? roomMs / wantedMs : 1;
      for (let k = 0; k < CLASSES.length; k++) served[k] = offered[k]! * share;
      return;
    }
    let admittedMs = 0;
    const under = wantedMs > roomMs;
    if (!under && (this.#shed === null || this.#shed.level === 1)) {
      served.set(offered);
      return;
    }
    this.#shed ??= new ShedLevel();
    for (let k = 0; k < CLASSES.length; k++) {
      served[k] = offered[k]! * this.#admitted(k, offered[k]! / wantedMs, now);
      admittedMs += served[k]!;
    }
    const waitMs = admittedMs > roomMs ? LATE_MS : QUICK_MS;
    this.#shed.waited(waitMs, now);
    // What is admitted beyond the room waits, and goes by priority: the queues of a shard (workers/shard/pressure.ts).
    let leftMs = roomMs;
    for (let k = 0; k < CLASSES.length; k++) {
      served[k] = Math.min(served[k]!, leftMs);
      leftMs -= served[k]!;
    }
  }

  /** Share of a class that the level admits, asked with requests spread over the lots. */
  #admitted(priority: number, share: number, now: number): number {
    const probes = Math.max(1, Math.round(PROBES * share));
    let admitted = 0;
    for (let k = 0; k < probes; k++) {
      if (this.#shed!.admits(priority, (k + 0.5) / probes, now)) admitted++;
    }
    return admitted / probes;
  }
}
