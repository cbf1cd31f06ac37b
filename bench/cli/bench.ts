/** `supernode bench`: plans, runs, writes. */
import { relative } from 'node:path';
import { EXIT_OK } from '../../core/cli/exit-codes.ts';
import { type FlagValues, list, text, wholeNumber } from '../../core/cli/flags.ts';
import { printText, stderrLine } from '../../core/cli/print.ts';
import { MAX_SHARDS } from '../../core/relay/limits.ts';
import { aimsText } from '../aims.ts';
import { resultToTable } from '../reporter/formats/terminal.ts';
import { reportersByName } from '../reporter/index.ts';
import { loadBenchConfig } from '../run/load-config.ts';
import { coresToPin, place } from '../run/placement.ts';
import { planJobs } from '../run/plan.ts';
import { Progress } from '../run/progress.ts';
import { run } from '../run/run.ts';
import { checkWritable, writeWhole } from '../run/write-file.ts';
import { endOnSignals } from './end-on-signals.ts';
import { listing, listingText } from './listing.ts';
import { readReportOrders, writeReports } from './reports.ts';
import { settingsOf } from './settings.ts';

export async function bench(values: FlagValues): Promise<number> {
  const config = await loadBenchConfig(text(values, 'config'));
  const { mode, plan } = settingsOf(config, values);
  const orders = readReportOrders(list(values, 'report') ?? []);
  const jobs = planJobs({ ...plan, objectiveP99Ms: config.thresholds.objectiveP99Ms });
  const shards = wholeNumber(values, 'shards', 1, MAX_SHARDS);
  const { calibrationMs } = plan.durations;
  if (values['list']) {
    const planned = listing(mode, jobs, calibrationMs);
    await printText(values['json'] ? `${JSON.stringify(planned, null, 2)}\n` : listingText(planned));
    return EXIT_OK;
  }

  const wanted = { ...config.placement, shards: shards ?? config.placement.shards };
  const placement = place(wanted, coresToPin());
  const file = text(values, 'out') ?? `bench-results/${timestamp(new Date())}.json`;
  for (const { file: wanted } of [{ file }, ...orders]) await checkWritable(wanted);
  const progress = new Progress();
  endOnSignals(() => progress.end());
  const settings = { ...plan, placement: wanted, thresholds: config.thresholds };
  try {
    const onProgress = progress.show.bind(progress);
    const result = await run({
      jobs,
      placement,
      mode: shards === undefined ? mode : 'custom',
      calibrationMs,
      settings,
      onProgress,
    });
    progress.end();
    const json = reportersByName.json(result);
    await writeWhole(file, json);
    await writeReports(result, [...configured(config.reporters, file), ...orders]);
    const width = process.stdout.columns;
    const table = () => resultToTable(result, width ? { width } : {});
    await printText(values['json'] ? json : table() + aimsText(result));
    stderrLine(`the result is in ${shortest(file)}`);
    return EXIT_OK;
  } finally {
    progress.end();
  }
}

function configured<T extends { file: string }>(reporters: readonly T[], result: string): T[] {
  const name = result.replace(/\.json$/, '');
  return reporters.map((report) => ({ ...report, file: report.file.replaceAll('{result}', name) }));
}

/** Such as `2026-03-01T12-30-00Z`: no colon, which some systems have no file name with. */
function timestamp(at: Date): string {
  return at
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-');
}

function shortest(file: string): string {
  const from = relative(process.cwd(), file);
  return from.startsWith('..') ? file : from;
}
