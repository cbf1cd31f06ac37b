import { ReporterError } from '../errors.ts';
import type { Calibration, Case, Metric, Result } from '../result.ts';
import { holm } from '../statistics/holm.ts';
import { geometricMean, median } from '../statistics/location.ts';
import { smallestP } from '../statistics/rank-sum.ts';
import { ratioOf } from '../statistics/ratio.ts';
import {
  type BenchmarkComparison,
  COMPARISON_KIND,
  COMPARISON_VERSION,
  type Comparison,
  type ContextComparison,
  type Means,
  type Pair,
  primaryMetric,
  type Side,
} from './comparison.ts';
import { type Controls, calibrated, controlsOf, oriented, probed, relativeToRivals } from './lenses.ts';
import { fingerprintDifferences, sameMachine } from './machine.ts';
import { type CompareOptions, DEFAULT_RULE, LENSES, type Rule } from './options.ts';
import { call, verdictOf, view } from './rule.ts';

function casesOf(result: Result, system: string): Map<string, Case> {
  return new Map(result.cases.filter((one) => one.system === system).map((one) => [one.benchmark, one]));
}

function compareCase(
  base: Result,
  other: Result,
  cases: { base: Case; other: Case },
  controls: Controls,
  rule: Rule,
) {
  const metric = primaryMetric(cases.base);
  const theirs = primaryMetric(cases.other);
  if (metric.better === 'none' || theirs.name !== metric.name || theirs.unit !== metric.unit) return null;
  const byRound = probed(cases.base, cases.other);
  const normalA = calibrated(base, cases.base, metric, { rule, byRound });
  const normalB = calibrated(other, cases.other, theirs, { rule, byRound });
  const rivals = relativeToRivals(controls, cases);
  const comparison: BenchmarkComparison = {
    benchmark: cases.base.benchmark,
    suite: cases.base.suite,
    title: cases.base.title,
    metric: { name: metric.name, title: metric.title, unit: metric.unit, better: metric.better },
    base: { median: median(metric.samples), rounds: metric.samples.length },
    other: { median: median(theirs.samples), rounds: theirs.samples.length },
    views: {
      raw: view(oriented(metric), oriented(theirs), rule),
      calibrated: normalA && normalB && view(normalA, normalB, rule),
      rivals: rivals && view(rivals.base, rivals.other, rule),
    },
    verdict: '~',
  };
  return comparison;
}

/** Whether so few rounds could be significant at all; what never can does not weaken the others (Tarone 1990). */
function callable({ base, other }: BenchmarkComparison, rule: Rule): boolean {
  return smallestP(base.rounds, other.rounds) < rule.alpha;
}

/** The correction for their number in each lens, then the verdicts. */
function judge(benchmarks: BenchmarkComparison[], oneMachine: boolean, rule: Rule): void {
  for (const lens of LENSES) {
    const family = benchmarks.flatMap((one) => (callable(one, rule) ? (one.views[lens] ?? []) : []));
    const alone = family.map(({ p }) => p);
    const adjusted = rule.correction === 'none' ? alone : holm(alone);
    family.forEach((one, index) => {
      one.adjustedP = adjusted[index]!;
      one.verdict = verdictOf(one, rule);
    });
  }
  for (const one of benchmarks) one.verdict = call(one.views, oneMachine, rule);
}

function means(benchmarks: readonly BenchmarkComparison[]): Means {
  const raw = benchmarks.flatMap((one) => one.views.raw?.ratio ?? []);
  // What does not follow the machine's speed, such as bytes, is its own normalised figure.
  const normal = benchmarks.flatMap((one) => one.views.calibrated?.ratio ?? one.views.raw?.ratio ?? []);
  return {
    raw: raw.length > 0 ? geometricMean(raw) : null,
    calibrated: normal.length > 0 ? geometricMean(normal) : null,
    benchmarks: raw.length,
  };
}

function bySuite(benchmarks: readonly BenchmarkComparison[]): Record<string, Means> {
  const suites = [...new Set(benchmarks.map(({ suite }) => suite))];
  return Object.fromEntries(
    suites.map((suite) => [suite, means(benchmarks.filter((one) => one.suite === suite))]),
  );
}

function contextOf(one: Case, metric: Metric, theirs: Metric, rule: Rule): ContextComparison {
  const estimate = ratioOf(oriented(theirs), oriented(metric), rule.confidence);
  return {
    benchmark: one.benchmark,
    system: one.system,
    metric: metric.name,
    unit: metric.unit,
    better: metric.better,
    base: median(metric.samples),
    other: median(theirs.samples),
    ratio: estimate?.ratio ?? null,
    low: estimate?.low ?? null,
    high: estimate?.high ?? null,
  };
}

/** Rivals' primary figures, and what else the system under test has. */
function context(base: Result, other: Result, rule: Rule): Pick<Pair, 'rivals' | 'otherMetrics'> {
  const found = new Map(other.cases.map((one) => [one.id, one]));
  const [rivals, otherMetrics]: [ContextComparison[], ContextComparison[]] = [[], []];
  for (const one of base.cases) {
    const match = found.get(one.id);
    if (!match) continue;
    const own = one.system === rule.system;
    for (const metric of one.metrics) {
      const theirs = match.metrics.find(({ name, unit }) => name === metric.name && unit === metric.unit);
      if (!theirs || metric.primary === own) continue;
      (own ? otherMetrics : rivals).push(contextOf(one, metric, theirs, rule));
    }
  }
  return { rivals, otherMetrics };
}

/** Why a difference may have gone uncalled. */
function notesOf(benchmarks: readonly BenchmarkComparison[], oneMachine: boolean, rule: Rule): string[] {
  const notes: string[] = [];
  const family = rule.correction === 'none' ? 1 : benchmarks.filter((one) => callable(one, rule)).length;
  const weak = benchmarks.filter(
    ({ base, other }) => smallestP(base.rounds, other.rounds) * Math.max(1, family) >= rule.alpha,
  );
  if (weak.length > 0) {
    notes.push(
      `${weak.length} of ${benchmarks.length} benchmarks have too few rounds for any difference to be called: run both with more rounds.`,
    );
  }
  if (!oneMachine) {
    notes.push('The machines differ: the verdicts are of machine and software together, by the raw figures.');
  }
  return notes;
}

function comparePair(base: Result, other: Result, labels: { base: string; other: string }, rule: Rule): Pair {
  const [a, b] = [casesOf(base, rule.system), casesOf(other, rule.system)];
  const oneMachine = sameMachine(base.fingerprint, other.fingerprint);
  const controls = controlsOf(base, other, rule.system);
  const benchmarks: BenchmarkComparison[] = [];
  for (const [benchmark, one] of a) {
    const match = b.get(benchmark);
    const compared = match && compareCase(base, other, { base: one, other: match }, controls, rule);
    if (compared) benchmarks.push(compared);
  }
  judge(benchmarks, oneMachine, rule);
  const limit = rule.failOnRegression;
  return {
    ...labels,
    sameMachine: oneMachine,
    benchmarks,
    geometricMean: means(benchmarks),
    bySuite: bySuite(benchmarks),
    regressions: benchmarks.flatMap(({ benchmark, verdict, views }) => {
      const ratio = views.raw?.ratio ?? 1;
      return limit !== null && verdict === 'worse' && ratio < 1 - limit ? [{ benchmark, ratio }] : [];
    }),
    onlyInBase: [...a.keys()].filter((benchmark) => !b.has(benchmark)),
    onlyInOther: [...b.keys()].filter((benchmark) => !a.has(benchmark)),
    ...context(base, other, rule),
    notes: notesOf(benchmarks, oneMachine, rule),
  };
}

function sideOf(result: Result, label: string): Side {
  const warnings: Record<string, number> = {};
  for (const { code } of result.warnings) warnings[code] = (warnings[code] ?? 0) + 1;
  const names = Object.keys(result.calibration) as (keyof Calibration)[];
  return {
    label,
    startedAt: result.startedAt,
    mode: result.mode,
    suiteHash: result.suiteHash,
    fingerprint: result.fingerprint,
    calibration: Object.fromEntries(
      names.map((name) => [
        name,
        { median: result.calibration[name].median, unit: result.calibration[name].unit },
      ]),
    ) as Side['calibration'],
    warnings,
  };
}

function refusal(sides: readonly Side[]): Comparison['refused'] {
  const [base] = sides;
  const different = sides.find((side) => side.suiteHash !== base!.suiteHash);
  if (!different) return null;
  return {
    why:
      `${base!.label} and ${different.label} measured different things: their suite hashes are ${base!.suiteHash} and ` +
      `${different.suiteHash}. Run both with the same version of the suites and the same flags (--quick, --suite, ` +
      '--profile, --peers), then compare again.',
  };
}

function checkRule(rule: Rule): void {
  const shares: [string, number, boolean][] = [
    ['alpha', rule.alpha, rule.alpha > 0 && rule.alpha < 1],
    ['confidence', rule.confidence, rule.confidence > 0 && rule.confidence < 1],
    ['noise', rule.noise, rule.noise >= 0 && rule.noise < 1],
    [
      'failOnRegression',
      rule.failOnRegression ?? 0,
      (rule.failOnRegression ?? 0) >= 0 && (rule.failOnRegression ?? 0) < 1,
    ],
  ];
  for (const [name, value, fits] of shares) {
    if (!fits) throw new ReporterError('option', `${name} is a share between 0 and 1, not ${value}.`);
  }
}

/**
 * Compares each of the other results with the first, benchmark by benchmark, for the system under test.
 *
 * Results of different suite hashes are refused: the answer then has `refused` and no pairs. Different machines are
 * compared, and what differs is stated.
 *
 * @throws ReporterError for fewer than two results, or an option out of range.
 */
export function compareResults(results: readonly Result[], options: CompareOptions = {}): Comparison {
  if (results.length < 2)
    throw new ReporterError('option', `A comparison takes two results or more, not ${results.length}.`);
  const { labels = [], ...given } = options;
  const rule: Rule = { ...DEFAULT_RULE, ...given };
  checkRule(rule);
  const sides = results.map((result, index) =>
    sideOf(result, labels[index] ?? (index < 26 ? String.fromCharCode(65 + index) : `#${index + 1}`)),
  );
  const refused = refusal(sides);
  const { system, alpha, correction, confidence, noise, failOnRegression } = rule;
  return {
    kind: COMPARISON_KIND,
    version: COMPARISON_VERSION,
    system,
    results: sides,
    refused,
    differences: fingerprintDifferences(sides),
    rule: { alpha, correction, confidence, noise, failOnRegression },
    pairs: refused
      ? []
      : results
          .slice(1)
          .map((other, index) =>
            comparePair(results[0]!, other, { base: sides[0]!.label, other: sides[index + 1]!.label }, rule),
          ),
  };
}
