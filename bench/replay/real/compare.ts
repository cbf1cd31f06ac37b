/** A real replay beside the simulated one of the same plan: how far apart they are, figure by figure. */
import { firstAt } from '../criteria.ts';
import type { Outcome, Series } from '../outcome.ts';

export interface Difference {
  name: string;
  real: number;
  simulated: number;
}

export interface Comparison {
  differences: Difference[];
  /** Root of the mean square difference of the shares of peers online, minute by minute. */
  onlineRmse: number;
}

const MINUTE_MS = 60_000;
const BACK_SHARE = 0.95;

export function compare(real: Outcome, simulated: Outcome): Comparison {
  const figures: [string, (outcome: Outcome) => number][] = [
    ['least online, % of the peers', ({ series, plan }) => (100 * Math.min(...series.online)) / plan.peers],
    ['online in the end, %', ({ series, plan }) => (100 * series.online.at(-1)!) / plan.peers],
    ['95% online for good, minutes after the trigger began', minutesUntilBack],
    ['attempts per login since the trigger', attemptsPerLogin],
    ['contacts/s over the baseline, mean since the trigger', contactsOverBaseline],
    ['relays that exited', ({ exits }) => exits],
    ['relays that the trigger ended', ({ restarts }) => restarts],
    [
      'calls on survivors that broke, %',
      ({ calls }) => (100 * calls.broken) / Math.max(1, calls.onSurvivors),
    ],
    ['wait of logins in the relay p99, ms of the clock', ({ queueWaitMs }) => queueWaitMs.p99],
    ['as peers saw it', ({ queueWaitMs, peerWaitMs }) => (peerWaitMs ?? queueWaitMs).p99],
    ['logins in one queue, most', ({ queueDepth }) => queueDepth.most],
    ['max/mean load in the end', ({ series }) => series.loadMost.at(-1)! / (series.loadMean.at(-1)! || 1)],
  ];
  return {
    differences: figures.map(([name, of]) => ({ name, real: of(real), simulated: of(simulated) })),
    onlineRmse: rmse(real, simulated),
  };
}

export function comparisonText({ differences, onlineRmse }: Comparison): string {
  const widest = Math.max(...differences.map(({ name }) => name.length));
  const cell = (value: number): string => value.toFixed(Math.abs(value) >= 100 ? 0 : 2).padStart(10);
  const lines = differences.map(
    ({ name, real, simulated }) =>
      `  ${name.padEnd(widest)}  ${cell(real)}  ${cell(simulated)}  ${cell(real - simulated)}`,
  );
  const head = `  ${''.padEnd(widest)}  ${'real'.padStart(10)}  ${'simulated'.padStart(10)}  ${'difference'.padStart(10)}`;
  const rmseLine = `  online peers, root mean square of the difference: ${(100 * onlineRmse).toFixed(1)}% of the peers`;
  return `${[head, ...lines, rmseLine].join('\n')}\n`;
}

function rmse(real: Outcome, simulated: Outcome): number {
  const endMs = Math.min(real.moments.endMs, simulated.moments.endMs);
  let sum = 0;
  let minutes = 0;
  for (let atMs = MINUTE_MS; atMs < endMs; atMs += MINUTE_MS) {
    sum += (shareAt(real, atMs) - shareAt(simulated, atMs)) ** 2;
    minutes++;
  }
  return Math.sqrt(sum / Math.max(1, minutes));
}

function shareAt({ series, plan }: Outcome, atMs: number): number {
  return series.online[firstAt(series, atMs)]! / plan.peers;
}

/** Infinity would be null in JSON: who never comes back has the whole time that was watched. */
function minutesUntilBack({ series, moments, plan }: Outcome): number {
  let at = series.online.length;
  while (at > 0 && series.online[at - 1]! >= BACK_SHARE * plan.peers) at--;
  const backMs = at < series.atMs.length ? series.atMs[at]! : moments.endMs;
  return Math.max(0, backMs - moments.triggerMs) / MINUTE_MS;
}

function attemptsPerLogin({ series, moments }: Outcome): number {
  return (
    meanSince(series, series.attemptsPerSec, moments.triggerMs) /
    meanSince(series, series.loginsPerSec, moments.triggerMs)
  );
}

function contactsOverBaseline({ series, moments }: Outcome): number {
  const before = series.contactsPerSec.slice(0, firstAt(series, moments.triggerMs));
  const baseline = before.reduce((sum, rate) => sum + rate, 0) / Math.max(1, before.length);
  return meanSince(series, series.contactsPerSec, moments.triggerMs) / (baseline || 1);
}

function meanSince(series: Series, rates: readonly number[], fromMs: number): number {
  const since = rates.slice(firstAt(series, fromMs));
  return since.reduce((sum, rate) => sum + rate, 0) / Math.max(1, since.length);
}
