/**
 * Which client version fails far more often than the others do. Pure: time comes in, nothing is read or said.
 *
 * Two shares are watched per version over a window (default 5 minutes):
 *   lost       sessions that ended without a close handshake / sessions that were there in the window
 *   reconnect  logins of a peer that had left less than a minute before / logins in the window
 * Each is compared with the same share of all other versions that are not suspects themselves.
 *
 * The test is Fisher's exact test (R. A. Fisher, "The Design of Experiments", 1935) by its tail bound: if versions made no
 * difference, the events of one version would be a draw without replacement, and of L events in all at least x would be
 * its own with a probability of at most exp(-L * KL(x/L || q)), q being its share of the trials (W. Hoeffding,
 * "Probability Inequalities for Sums of Bounded Random Variables", JASA 58, 1963, theorem 1 and section 6). Unlike the
 * z test of two proportions it holds for small counts too, so a handful of unlucky sessions raises nothing. A least
 * count and a least ratio keep differences out that are certain but small.
 *
 * What it cannot know: events of one version that have a cause of their own (the network of the one carrier that ships
 * it). So the default of the relay is to warn, and to leave the rest to people.
 */

export interface VersionWatchOptions {
  /** What is older does not count. Default 300,000. */
  windowMs?: number;
  /** A login this soon after the peer left counts as a reconnection. Default 60,000. */
  reconnectMs?: number;
  /** Trials that both sides must have. Default 50. */
  leastTrials?: number;
  /** Events that a version must have. Default 20. */
  leastEvents?: number;
  /** How many times the others' share a version's must be. Default 3. */
  leastRatio?: number;
  /** Bound of the probability of a false alarm, of one version at one look. Default 1e-9: at a look a second, one in 30 years. */
  falseAlarm?: number;
  /** Versions that are told apart; those that come when it is full are counted together. Default MOST_VERSIONS. */
  mostVersions?: number;
}

export type VersionMeasure = 'lost' | 'reconnect';

export interface Suspicion {
  version: string;
  measure: VersionMeasure;
  /** Of this version in the window: what was counted, of how many, and the share. */
  events: number;
  trials: number;
  share: number;
  /** The share of the others, with one event more than they had: the fewer they are, the less they prove. */
  othersShare: number;
  ratio: number;
}

export interface VersionRow {
  version: string;
  /** Here now. */
  sessions: number;
  /** In the window. */
  logins: number;
  reconnects: number;
  ended: number;
  lost: number;
  suspect: boolean;
}

/** What stands for all versions beyond `mostVersions`. Never a suspect. */
export const OTHER_VERSIONS = 'other';

type Pool = Record<VersionMeasure, { events: number; trials: number }>;

const BUCKETS = 10;
export const MOST_VERSIONS = 256;
/** 65,536 x about 50 bytes x 2 generations = 6.5 MB at most. Beyond it a reconnection counts as a new login, for all alike. */
export const MOST_GONE = 65_536;

/** Events of the last BUCKETS buckets. */
class Windowed {
  readonly #buckets = new Uint32Array(BUCKETS);
  total = 0;

  add(bucket: number): void {
    this.#buckets[bucket]!++;
    this.total++;
  }

  clear(bucket: number): void {
    this.total -= this.#buckets[bucket]!;
    this.#buckets[bucket] = 0;
  }
}

class Counts {
  sessions = 0;
  readonly logins = new Windowed();
  readonly reconnects = new Windowed();
  readonly ended = new Windowed();
  readonly lost = new Windowed();

  clear(bucket: number): void {
    this.logins.clear(bucket);
    this.reconnects.clear(bucket);
    this.ended.clear(bucket);
    this.lost.clear(bucket);
  }

  get idle(): boolean {
    return this.sessions === 0 && this.logins.total === 0 && this.ended.total === 0;
  }

  events(measure: VersionMeasure): number {
    return measure === 'lost' ? this.lost.total : this.reconnects.total;
  }

  /** Sessions that could have been lost in the window; logins that could have been reconnections. */
  trials(measure: VersionMeasure): number {
    return measure === 'lost' ? this.sessions + this.ended.total : this.logins.total;
  }
}

export class VersionWatch {
  readonly #options: Required<VersionWatchOptions>;
  readonly #counts = new Map<string, Counts>();
  readonly #other = new Counts();
  readonly #suspects = new Map<string, Suspicion & { lastSeenAt: number }>();
  /** When peers left, by hash: of this period of reconnectMs and of the one before. */
  #gone = new Map<number, number>();
  #goneBefore = new Map<number, number>();
  #goneSince = Number.NEGATIVE_INFINITY;
  /** The bucket of now, counted from time 0. */
  #bucket = Number.NEGATIVE_INFINITY;

  constructor(options: VersionWatchOptions = {}) {
    this.#options = {
      windowMs: 300_000,
      reconnectMs: 60_000,
      leastTrials: 50,
      leastEvents: 20,
      leastRatio: 3,
      falseAlarm: 1e-9,
      mostVersions: MOST_VERSIONS,
      ...options,
    };
  }

  /** A peer has logged in. @param peer any 32-bit hash of it. */
  came(version: string, peer: number, now: number): void {
    const bucket = this.#at(now);
    const counts = this.#of(version);
    counts.sessions++;
    counts.logins.add(bucket);
    const leftAt = this.#gone.get(peer) ?? this.#goneBefore.get(peer);
    if (leftAt !== undefined && now - leftAt <= this.#options.reconnectMs) counts.reconnects.add(bucket);
  }

  /** A session has ended. @param lost without a close handshake, or by a fault of the client. */
  left(version: string, peer: number, lost: boolean, now: number): void {
    const bucket = this.#at(now);
    let counts = this.#counts.get(version) ?? this.#other;
    // It came when there was no room for its version.
    if (counts.sessions === 0) counts = this.#other;
    if (counts.sessions > 0) counts.sessions--;
    counts.ended.add(bucket);
    if (lost) counts.lost.add(bucket);
    this.#remember(peer, now);
  }

  /** Looks at all versions; call it about every tenth of the window or oftener. */
  judge(now: number): { suspected: Suspicion[]; cleared: string[] } {
    this.#at(now);
    const pool = this.#pool();
    const suspected: Suspicion[] = [];
    for (const [version, counts] of this.#counts) {
      const known = this.#suspects.get(version);
      const found = this.#suspicion(version, counts, known === undefined ? counts : null, pool);
      if (found === null) continue;
      this.#suspects.set(version, { ...found, lastSeenAt: now });
      if (known === undefined) suspected.push(found);
    }
    const cleared: string[] = [];
    for (const [version, { lastSeenAt }] of this.#suspects) {
      if (now - lastSeenAt < this.#options.windowMs) continue;
      this.#suspects.delete(version);
      cleared.push(version);
    }
    return { suspected, cleared };
  }

  isSuspect(version: string): boolean {
    return this.#suspects.has(version);
  }

  /** Suspects now, each as it was last found. A suspect stays one until a whole window has shown nothing. */
  get suspects(): Suspicion[] {
    return [...this.#suspects.values()].map(({ lastSeenAt: _, ...suspicion }) => suspicion);
  }

  /** The versions of the window, most sessions first, and then the others together if there are any. */
  rows(now: number): VersionRow[] {
    this.#at(now);
    const rows = [...this.#counts].map(([version, counts]) => this.#row(version, counts));
    rows.sort((a, b) => b.sessions - a.sessions || b.logins - a.logins);
    return this.#other.idle ? rows : [...rows, this.#row(OTHER_VERSIONS, this.#other)];
  }

  #row(version: string, counts: Counts): VersionRow {
    return {
      version,
      sessions: counts.sessions,
      logins: counts.logins.total,
      reconnects: counts.reconnects.total,
      ended: counts.ended.total,
      lost: counts.lost.total,
      suspect: counts !== this.#other && this.#suspects.has(version),
    };
  }

  #of(version: string): Counts {
    const known = this.#counts.get(version);
    if (known !== undefined) return known;
    if (this.#counts.size >= this.#options.mostVersions) return this.#other;
    const counts = new Counts();
    this.#counts.set(version, counts);
    return counts;
  }

  /** What all that are no suspects have together. */
  #pool(): Pool {
    const pool: Pool = { lost: { events: 0, trials: 0 }, reconnect: { events: 0, trials: 0 } };
    const add = (counts: Counts): void => {
      for (const measure of ['lost', 'reconnect'] as const) {
        pool[measure].events += counts.events(measure);
        pool[measure].trials += counts.trials(measure);
      }
    };
    add(this.#other);
    for (const [version, counts] of this.#counts) if (!this.#suspects.has(version)) add(counts);
    return pool;
  }

  /** @param inPool what of the pool is the version's own. */
  #suspicion(version: string, counts: Counts, inPool: Counts | null, pool: Pool): Suspicion | null {
    const { leastTrials, leastEvents, leastRatio, falseAlarm } = this.#options;
    for (const measure of ['lost', 'reconnect'] as const) {
      const events = counts.events(measure);
      const trials = counts.trials(measure);
      const others = pool[measure].trials - (inPool?.trials(measure) ?? 0);
      const othersEvents = pool[measure].events - (inPool?.events(measure) ?? 0);
      if (events < leastEvents || trials < leastTrials || others < leastTrials) continue;
      const share = events / trials;
      const othersShare = (othersEvents + 1) / (others + 1);
      const ratio = share / othersShare;
      if (ratio < leastRatio) continue;
      if (chanceAtMost(events, trials, othersEvents, others) > falseAlarm) continue;
      return { version, measure, events, trials, share, othersShare, ratio };
    }
    return null;
  }

  #remember(peer: number, now: number): void {
    if (now - this.#goneSince >= this.#options.reconnectMs) {
      this.#goneBefore = this.#gone;
      this.#gone = new Map();
      this.#goneSince = now;
    }
    if (this.#gone.size < MOST_GONE || this.#gone.has(peer)) this.#gone.set(peer, now);
  }

  /** Moves the window to `now`. @returns the bucket to count in. */
  #at(now: number): number {
    const bucket = Math.floor((now * BUCKETS) / this.#options.windowMs);
    if (bucket > this.#bucket) {
      const passed = Math.min(BUCKETS, bucket - this.#bucket);
      for (let step = 0; step < passed; step++) this.#clear(slotOf(bucket - step));
      this.#bucket = bucket;
    }
    return slotOf(this.#bucket);
  }

  #clear(slot: number): void {
    this.#other.clear(slot);
    for (const [version, counts] of this.#counts) {
      counts.clear(slot);
      if (counts.idle && !this.#suspects.has(version)) this.#counts.delete(version);
    }
  }
}

/** Also for times before 0: any origin will do. */
function slotOf(bucket: number): number {
  return ((bucket % BUCKETS) + BUCKETS) % BUCKETS;
}

/**
 * A bound of the probability that chance alone gives one side this many of all events or more; see the head of the file.
 * @returns 1 when it has no more than its share.
 */
export function chanceAtMost(events: number, trials: number, othersEvents: number, others: number): number {
  const all = events + othersEvents;
  const expected = trials / (trials + others);
  const own = events / all;
  if (all === 0 || own <= expected) return 1;
  const rest = own < 1 ? (1 - own) * Math.log((1 - own) / (1 - expected)) : 0;
  return Math.exp(-all * (own * Math.log(own / expected) + rest));
}
