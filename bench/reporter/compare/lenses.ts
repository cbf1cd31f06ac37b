/**
 * The lenses: the samples as they are; per unit of the machine's speed; and per figure of the rivals.
 *
 * A sample of a lens is oriented, so that larger is better, and keeps to its round.
 */
import type { Calibration, Case, Metric, Result, Speed } from '../result.ts';
import { median } from '../statistics/location.ts';
import { ratioOf } from '../statistics/ratio.ts';
import { primaryMetric } from './comparison.ts';
import type { MeasureName, Rule } from './options.ts';

/** How a figure follows the speed of the machine; bytes and shares do not. */
export function scalesWith(unit: string): 'rate' | 'time' | 'none' {
  if (/\/s$/.test(unit)) return 'rate';
  return /^(ns|us|µs|ms|s)(\/|$)/.test(unit) ? 'time' : 'none';
}

/** Larger is better. A metric without a direction is left as it is. */
export function oriented(metric: Metric, samples: readonly number[] = metric.samples): number[] {
  return metric.better === 'lower' ? samples.map((value) => 1 / value) : [...samples];
}

function speedOf(calibration: Calibration, measures: readonly MeasureName[]): number {
  let log = 0;
  for (const name of measures) {
    const { median, better } = calibration[name];
    log += better === 'higher' ? Math.log(median) : -Math.log(median);
  }
  return Math.exp(log / Math.max(1, measures.length));
}

/** Whether the speed around every round of these is known. */
export function probed(...cases: readonly Case[]): boolean {
  return cases.every(({ rounds }) => rounds.every(({ speed }) => speed !== null));
}

/**
 * Each sample as it would be on a machine of speed 1.
 * @param byRound by the speed around each round; otherwise by the calibration of the whole run.
 */
export function calibrated(
  result: Result,
  one: Case,
  metric: Metric,
  { rule, byRound }: { rule: Rule; byRound: boolean },
): number[] | null {
  const kind = scalesWith(metric.unit);
  if (kind === 'none') return null;
  const measures = rule.explainedBy(one.suite);
  const ofRun = speedOf(result.calibration, measures);
  const speeds = one.rounds.map(({ speed }) => (byRound ? speedAround(speed!, measures) : ofRun));
  if (!speeds.every((speed) => Number.isFinite(speed) && speed > 0)) return null;
  return oriented(
    metric,
    metric.samples.map((value, index) => (kind === 'rate' ? value / speeds[index]! : value * speeds[index]!)),
  );
}

function speedAround({ processor, kernel }: Speed, measures: readonly MeasureName[]): number {
  const [byProcessor, byKernel] = [measures.includes('singleThread'), measures.includes('loopback')];
  if (byProcessor && byKernel) return Math.sqrt(processor * kernel);
  return byKernel ? kernel : processor;
}

/** What both runs have of the rivals. */
export interface Controls {
  cases: readonly Control[];
  /** How far all rivals moved from the one run to the other: the median over their cases, 1 without any. */
  moved: number;
}

/** A rival's case in both runs: same version of the rival, same metric. */
interface Control {
  benchmark: string;
  base: number[];
  other: number[];
}

/**
 * What both runs have of the rivals, oriented. Rivals did not change between the runs, so what moved them as well is the
 * machine.
 */
export function controlsOf(base: Result, other: Result, system: string): Controls {
  const theirs = new Map(other.cases.map((one) => [one.id, one]));
  const cases = base.cases.flatMap((one) => {
    const match = theirs.get(one.id);
    if (one.system === system || !match) return [];
    if (base.systems[one.system]?.version !== other.systems[one.system]?.version) return [];
    const [metric, other_] = [primaryMetric(one), primaryMetric(match)];
    if (metric.name !== other_.name || scalesWith(metric.unit) === 'none') return [];
    const control = { benchmark: one.benchmark, base: oriented(metric), other: oriented(other_) };
    return [...control.base, ...control.other].every((value) => value > 0) ? [control] : [];
  });
  const ratios = cases.map((one) => ratioOf(one.other, one.base)?.ratio ?? 1);
  return { cases, moved: ratios.length > 0 ? median(ratios) : 1 };
}

/** Each sample over the geometric mean of the rivals' in the same round, which ran beside it on the same core. */
function perRivals(own: readonly number[], rivals: readonly (readonly number[])[]): number[] {
  return own.map((value, round) => {
    const log = rivals.reduce((sum, samples) => sum + Math.log(samples[round]!), 0) / rivals.length;
    return value / Math.exp(log);
  });
}

/**
 * Both runs' samples per those of the rivals in the same rounds. A benchmark without rivals (or with other rounds than
 * theirs) is seen against how far all rivals moved. Null where there are no rivals at all.
 */
export function relativeToRivals(
  controls: Controls,
  cases: { base: Case; other: Case },
): { base: number[]; other: number[] } | null {
  const metric = primaryMetric(cases.base);
  if (controls.cases.length === 0 || scalesWith(metric.unit) === 'none') return null;
  const own = { base: oriented(metric), other: oriented(primaryMetric(cases.other)) };
  const beside = controls.cases.filter(
    ({ benchmark, base, other }) =>
      benchmark === cases.base.benchmark &&
      base.length === own.base.length &&
      other.length === own.other.length,
  );
  if (beside.length > 0) {
    return {
      base: perRivals(
        own.base,
        beside.map(({ base }) => base),
      ),
      other: perRivals(
        own.other,
        beside.map(({ other }) => other),
      ),
    };
  }
  return { base: own.base, other: own.other.map((value) => value / controls.moved) };
}
