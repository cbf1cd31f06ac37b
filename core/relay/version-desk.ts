/**
 * Client versions, on the main thread: every login and every end is counted by version (core/overload/version-watch.ts);
 * a version that is far from the others is told to the operator, and by policy its logins are delayed.
 */
import { VersionQuarantine } from '../overload/version-quarantine.ts';
import { type Suspicion, type VersionRow, VersionWatch } from '../overload/version-watch.ts';
import { BREACHES, type WireErrorCode } from '../protocol/errors.ts';
import type { DepartureReason, LoginProof, PresenceChange } from '../threads/messages.ts';
import type { ResolvedVersions } from './version-options.ts';

export interface VersionDeskHost {
  options: ResolvedVersions;
  /** The versions whose logins come here from now on, resumes too. */
  slow(versions: string[]): void;
  warn(code: string, message: string): void;
}

/** A part of a relay's stats. */
export interface VersionStats {
  /** The versions with the most sessions, counts of the last five minutes; those beyond 256 together as `other`. */
  seen: VersionRow[];
  suspects: Suspicion[];
  /** Logins that were told to wait for their version's sake. */
  delayed: number;
}

const LOOK_MS = 1_000;
const MOST_SHOWN = 20;
/** Whether a session ended by its client's own fault. */
function isAbnormal(reason: DepartureReason): boolean {
  return reason === 'lost' || BREACHES.has(reason as WireErrorCode);
}

export class VersionDesk {
  readonly #host: VersionDeskHost;
  readonly #watch = new VersionWatch();
  readonly #quarantine: VersionQuarantine;
  readonly #timer: NodeJS.Timeout;
  #delayed = 0;

  constructor(host: VersionDeskHost) {
    this.#host = host;
    this.#quarantine = new VersionQuarantine({ delayMs: host.options.delayMs });
    this.#timer = setInterval(() => this.look(performance.now()), LOOK_MS).unref();
  }

  changed(change: PresenceChange): void {
    if (change.came === undefined) return;
    const now = performance.now();
    const peer = hashOf(change.peer);
    if (change.came === null) this.#watch.left(change.client, peer, isAbnormal(change.reason), now);
    else {
      this.#watch.came(change.came.client, peer, now);
      this.#quarantine.came(peer);
    }
  }

  /** @returns for how many milliseconds the login must stay away; 0: not for its version's sake. */
  delayMs(proof: LoginProof, now: number): number {
    if (this.#host.options.quarantine !== 'delay' || !this.#watch.isSuspect(proof.client)) return 0;
    const waitMs = this.#quarantine.admit(hashOf(proof.peer), now, Math.random);
    if (waitMs > 0) this.#delayed++;
    return waitMs;
  }

  stats(): VersionStats {
    return {
      seen: this.#watch.rows(performance.now()).slice(0, MOST_SHOWN),
      suspects: this.#watch.suspects,
      delayed: this.#delayed,
    };
  }

  look(now: number): void {
    const { suspected, cleared } = this.#watch.judge(now);
    for (const suspicion of suspected) this.#host.warn('version-suspect', this.#sentence(suspicion));
    for (const version of cleared) {
      this.#host.warn('version-cleared', `The client version ${shown(version)} is no longer a suspect.`);
    }
    if (suspected.length + cleared.length > 0 && this.#host.options.quarantine === 'delay') {
      this.#host.slow(this.#watch.suspects.map(({ version }) => version));
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sentence({ version, measure, events, trials, ratio }: Suspicion): string {
    const what =
      measure === 'lost'
        ? `${events} of ${trials} sessions were lost without a close`
        : `${events} of ${trials} logins came back within a minute`;
    const { quarantine, delayMs } = this.#host.options;
    const done =
      quarantine === 'delay'
        ? `its logins wait about ${Math.round(delayMs / 1_000)} s each`
        : 'nothing is done about it (versions.quarantine)';
    return `The client version ${shown(version)} is far from the others: ${what} in five minutes, ${ratio.toFixed(1)} times the others' share; ${done}.`;
  }
}

/** Keys are random: four bytes tell 65,536 of them apart well enough for counts. */
function hashOf(peer: Uint8Array): number {
  return ((peer[0]! << 24) | (peer[1]! << 16) | (peer[2]! << 8) | peer[3]!) >>> 0;
}

function shown(version: string): string {
  return JSON.stringify(version);
}
