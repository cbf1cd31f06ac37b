/** benchmark-reporter: results of benchmarks, compared and shown. The whole public face is this list. */
export { compareResults } from './compare/compare.ts';
export type {
  BenchmarkComparison,
  Comparison,
  ContextComparison,
  Means,
  Pair,
  Regression,
  Side,
  Verdict,
  View,
} from './compare/comparison.ts';
export type { CompareOptions, Lens, MeasureName } from './compare/options.ts';
export { ReporterError } from './errors.ts';
export { type ComparisonTableOptions, comparisonToTable } from './formats/comparison-terminal.ts';
export { casesToCsv } from './formats/csv.ts';
export { casesToMarkdown } from './formats/markdown.ts';
export { casesToTable, resultToTable, type TerminalOptions } from './formats/terminal.ts';
export { fromTinybench, type TinybenchMeta } from './from-tinybench.ts';
export { MAX_FILE_BYTES, parseResult, readResultFile } from './parse-result.ts';
export {
  COMPARISON_REPORTER_NAMES,
  type ComparisonReporter,
  type ComparisonReporterName,
  comparisonReportersByName,
  REPORTER_NAMES,
  type Reporter,
  type ReporterName,
  reportersByName,
} from './reporters.ts';
export type * from './result.ts';
export { RESULT_KIND, RESULT_VERSION, ResultSchema, WARNING_CODES } from './result.ts';
export { holm } from './statistics/holm.ts';
export { geometricMean, median, medianAbsoluteDeviation, quantile } from './statistics/location.ts';
export { mannWhitney, type RankSum } from './statistics/rank-sum.ts';
export { type RatioEstimate, ratioOf } from './statistics/ratio.ts';
