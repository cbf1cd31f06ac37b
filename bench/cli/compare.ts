/** `supernode bench compare`. */
import { EXIT_FAILURE, EXIT_OK, UsageError } from '../../core/cli/exit-codes.ts';
import { type FlagValues, shown, text } from '../../core/cli/flags.ts';
import { printText, stderrLine } from '../../core/cli/print.ts';
import { comparisonToTable } from '../reporter/formats/comparison-terminal.ts';
import {
  type Comparison,
  compareResults,
  comparisonReportersByName,
  readResultFile,
} from '../reporter/index.ts';
import { loadBenchConfig } from '../run/load-config.ts';
import { writeWhole } from '../run/write-file.ts';

export async function compare(values: FlagValues): Promise<number> {
  const files = values['result'] as string[];
  if (files.length < 2) {
    throw new UsageError(
      'supernode bench compare takes two results or more: supernode bench compare A.json B.json.',
    );
  }
  const failOnRegression = shareOf(text(values, 'fail-on-regression'));
  const { thresholds } = await loadBenchConfig();
  const results = [];
  for (const file of files) results.push(await readResultFile(file));
  const { alpha, noise } = thresholds;
  const comparison = compareResults(results, { labels: labelsOf(files), alpha, noise, failOnRegression });
  for (const format of ['html', 'markdown'] as const) {
    const file = text(values, format);
    if (file !== undefined) await writeWhole(file, comparisonReportersByName[format](comparison));
  }
  const width = process.stdout.columns;
  await printText(
    values['json']
      ? comparisonReportersByName.json(comparison)
      : comparisonToTable(comparison, { verbose: values['all'] === true, ...(width && { width }) }),
  );
  return verdictOf(comparison);
}

function verdictOf({ refused, pairs }: Comparison): number {
  if (refused) {
    stderrLine(refused.why);
    return EXIT_FAILURE;
  }
  const worse = pairs.flatMap(({ regressions }) => regressions);
  if (worse.length === 0) return EXIT_OK;
  stderrLine(`slower than allowed: ${[...new Set(worse.map(({ benchmark }) => benchmark))].join(', ')}`);
  return EXIT_FAILURE;
}

/** File names without what they have in common; letters where that leaves nothing to tell them by. */
function labelsOf(files: readonly string[]): string[] | undefined {
  const labels = files.map((file) => file.replace(/^.*[\\/]/, '').replace(/\.json$/, ''));
  return new Set(labels).size === labels.length ? labels : undefined;
}

/** `5%` or `0.05`. */
function shareOf(given: string | undefined): number | null {
  if (given === undefined) return null;
  const [, digits, percent] = /^(\d{1,3}(?:\.\d{1,4})?)(%?)$/.exec(given) ?? [];
  const share = Number(digits) / (percent === '%' ? 100 : 1);
  if (share > 0 && share < 1) return share;
  throw new UsageError(
    `--fail-on-regression takes a share between 0 and 100%, such as 5% or 0.05, not "${shown(given)}".`,
  );
}
