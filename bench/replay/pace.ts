/**
 * What clients, relays and the list of relays do by a clock of their own, and how long it takes at a scale of time. One rule
 * for both forms, so that a real replay and the simulation of its plan do the same:
 *
 *   at scale s:  as at scale 1, divided by s, and never less than what processes and sockets can follow
 *
 * Not in here, since no scale changes them: back-off, retry-after, CoDel's interval, timeouts of logins, keep-alives. All of
 * the outage itself (plan.ts) is divided by the scale.
 */

/** Milliseconds of the clock. */
export interface Pace {
  /** How often relays tell their load (a: 60 s). */
  reportMs: number;
  /** A peer whose relay is gone goes to another within so long, at random (a: 5 s). */
  moveSpreadMs: number;
  /** A relay that is gone does not answer; a machine that restarts refuses nothing (a: 5 s). */
  noAnswerMs: number;
  /** An old relay exits after so long above its limit (a: 10 s). */
  exitAfterMs: number;
}

/** At scale 1, and the least. Those of a relay that ended are taken by relays whose rate of logins is of the clock: 1 s. */
const RULES: Record<keyof Pace, { ms: number; leastMs: number }> = {
  reportMs: { ms: 60_000, leastMs: 100 },
  moveSpreadMs: { ms: 5_000, leastMs: 500 },
  noAnswerMs: { ms: 5_000, leastMs: 1 },
  exitAfterMs: { ms: 10_000, leastMs: 1_000 },
};

/** Whole milliseconds. */
export function paceOf(timeScale: number): Pace {
  const at = (name: keyof Pace): number =>
    Math.max(RULES[name].leastMs, Math.round(RULES[name].ms / timeScale));
  return {
    reportMs: at('reportMs'),
    moveSpreadMs: at('moveSpreadMs'),
    noAnswerMs: at('noAnswerMs'),
    exitAfterMs: at('exitAfterMs'),
  };
}

/** A relay of a replay that goes faster serves as many logins as it has places in this time of the replay (a). */
const FILL_MS = 30_000;
/** Below, a relay's rate would be a matter of single logins. */
const LEAST_LOGINS_PER_SEC = 10;
/** What serves them is a little faster than what the relay is told to take, as an operator would have it. */
export const GATE_ROOM = 1.1;
/** Where relays exit on overload: a login that waits this long is above the limit. */
export const MOST_WAIT_MS = 300;

/**
 * Logins that a relay takes in a second of the clock when the outage goes faster than it did: a processor does not, so a
 * rate stands for it, in both forms.
 */
export function loginsPerSec(relayPeers: number, timeScale: number): number {
  return Math.max(LEAST_LOGINS_PER_SEC, Math.round((relayPeers * timeScale * 1_000) / FILL_MS));
}
