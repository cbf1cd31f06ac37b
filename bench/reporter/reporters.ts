/** The formats, by name. */
import type { Comparison } from './compare/comparison.ts';
import { resultToBencher } from './formats/bencher.ts';
import { comparisonToTable } from './formats/comparison-terminal.ts';
import { resultToCsv } from './formats/csv.ts';
import { resultToGithubActionBigger, resultToGithubActionSmaller } from './formats/github-action.ts';
import { comparisonToJson, resultToJson } from './formats/json.ts';
import { comparisonToMarkdown, resultToMarkdown } from './formats/markdown.ts';
import { resultToTable } from './formats/terminal.ts';
import { comparisonToHtml } from './html/comparison-page.ts';
import { resultToHtml } from './html/result-page.ts';
import type { Result } from './result.ts';

export type Reporter = (result: Result) => string;
export type ComparisonReporter = (comparison: Comparison) => string;

export const REPORTER_NAMES = [
  'table',
  'json',
  'markdown',
  'csv',
  'html',
  'github-action-smaller',
  'github-action-bigger',
  'bencher',
] as const;
export type ReporterName = (typeof REPORTER_NAMES)[number];

export const COMPARISON_REPORTER_NAMES = ['table', 'json', 'markdown', 'html'] as const;
export type ComparisonReporterName = (typeof COMPARISON_REPORTER_NAMES)[number];

export const reportersByName: Record<ReporterName, Reporter> = {
  table: (result) => resultToTable(result),
  json: resultToJson,
  markdown: resultToMarkdown,
  csv: resultToCsv,
  html: resultToHtml,
  'github-action-smaller': resultToGithubActionSmaller,
  'github-action-bigger': resultToGithubActionBigger,
  bencher: resultToBencher,
};

export const comparisonReportersByName: Record<ComparisonReporterName, ComparisonReporter> = {
  table: (comparison) => comparisonToTable(comparison),
  json: comparisonToJson,
  markdown: comparisonToMarkdown,
  html: comparisonToHtml,
};
