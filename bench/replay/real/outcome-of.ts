/** The outcome of a real replay, from what its relays, its load processes and its recorder have counted. */
import { MAX_LOGINS_PENDING } from '../../../core/protocol/limits.ts';
import { LOGIN_BOUNDS_MS } from '../../../core/threads/counters.ts';
import { merge, msAt } from '../../run/histograms.ts';
import type { Outcome, Waits } from '../outcome.ts';
import { armOf, type Plan } from '../plan.ts';
import type { Fleet } from './fleet.ts';
import type { LoadResult } from './messages.ts';
import type { Recorder } from './recorder.ts';
import type { Schedule } from './schedule.ts';
import type { Shape } from './shape.ts';
import type { SlowStore } from './slow-store.ts';
import { WINDOW_MS } from './tally.ts';

const MiB = 1024 * 1024;
/** A heap grows by whole steps before it is collected. */
const HEAP_SLACK_BYTES = 96 * MiB;
/** docs/operations.md: a session with its socket, a login that waits. */
const SESSION_BYTES = 16 * 1024;
const PENDING_BYTES = 3 * 1024;

export interface Counted {
  plan: Plan;
  schedule: Schedule;
  shape: Shape;
  fleet: Fleet;
  store: SlowStore;
  recorder: Recorder;
  results: readonly LoadResult[];
  exits: number;
  /** Relays that the trigger ended. */
  restarts: number;
}

export function outcomeOf(counted: Counted): Outcome {
  const { plan, schedule, shape, fleet, store, recorder, results } = counted;
  const { triggerMs, triggerEndMs, endMs } = schedule;
  const sheds = armOf(plan.arm).overload === 'shed';
  const audio = merge(results.map(({ audioDelays }) => audioDelays));
  const total = (of: (result: LoadResult) => number): number =>
    results.reduce((sum, each) => sum + of(each), 0);
  return {
    form: 'real',
    plan,
    moments: { triggerMs, triggerEndMs, endMs },
    series: recorder.end(
      results.map(({ frames }) => frames),
      shape.tickMs,
    ),
    asked: askedOf(results),
    exits: counted.exits,
    restarts: counted.restarts,
    calls: {
      onSurvivors: total(({ calls }) => calls.onSurvivors),
      broken: total(({ calls }) => calls.broken),
    },
    queueWaitMs: relayWaits(fleet.loginTimes()),
    peerWaitMs: peerWaits(results),
    queueDepth: { most: fleet.mostQueued, bound: sheds ? MAX_LOGINS_PENDING : null },
    memoryBytes: { most: fleet.mostGrownBytes, bound: sheds ? memoryBound(plan, shape) : null },
    contacts: recorder.hottest,
    notes: {
      timeScale: shape.timeScale,
      relayLoginsPerSec: shape.relayLoginsPerSec,
      crashes: total((result) => result.crashes),
      crashesAgain: total((result) => result.crashesAgain),
      contactsNotMade: recorder.notMade,
      audioDelayP50Ms: audio.totalCount === 0 ? 0 : msAt(audio, 0.5),
      audioDelayP99Ms: audio.totalCount === 0 ? 0 : msAt(audio, 0.99),
      relayRssMiB: Math.round(fleet.mostRssBytes / MiB),
      startsGiveWay: fleet.startsGiveWay ? 1 : 0,
      storeMs: store.usualMs,
      storeSlowMs: store.slowMs,
    },
  };
}

function memoryBound({ relayPeers }: Plan, { megas, megaFactor }: Shape): number {
  const mostPeers = relayPeers * (megas > 0 ? megaFactor : 1);
  return mostPeers * SESSION_BYTES + MAX_LOGINS_PENDING * PENDING_BYTES + HEAP_SLACK_BYTES;
}

/** By the upper bounds of their buckets; what is beyond the last counts as twice that. */
function relayWaits(times: readonly number[]): Waits {
  const bounds = [...LOGIN_BOUNDS_MS, 2 * LOGIN_BOUNDS_MS.at(-1)!];
  const count = times.reduce((sum, one) => sum + one, 0);
  const msAtShare = (share: number): number => {
    let seen = 0;
    const bucket = times.findIndex((one) => {
      seen += one;
      return seen > 0 && seen >= count * share;
    });
    return bounds[bucket] ?? 0;
  };
  return { count, p50: msAtShare(0.5), p99: msAtShare(0.99), max: msAtShare(1) };
}

function peerWaits(results: readonly LoadResult[]): Waits {
  const waits = merge(results.map((result) => result.waits));
  if (waits.totalCount === 0) return { count: 0, p50: 0, p99: 0, max: 0 };
  return {
    count: waits.totalCount,
    p50: msAt(waits, 0.5),
    p99: msAt(waits, 0.99),
    max: waits.maxValue / 1_000,
  };
}

function askedOf(results: readonly LoadResult[]): Outcome['asked'] {
  const windows = new Map<number, { attempts: number; distinct: number }>();
  for (const { window, attempts, distinct } of results.flatMap(({ asked }) => asked)) {
    if (window < 0) continue;
    const sum = windows.get(window) ?? { attempts: 0, distinct: 0 };
    windows.set(window, { attempts: sum.attempts + attempts, distinct: sum.distinct + distinct });
  }
  return [...windows]
    .sort(([a], [b]) => a - b)
    .map(([window, sums]) => ({ fromMs: window * WINDOW_MS, ...sums }));
}
