/** Reports of a result, as the flags and the configuration ask for them. */
import { UsageError } from '../../core/cli/exit-codes.ts';
import { shown } from '../../core/cli/flags.ts';
import { REPORTER_NAMES, type ReporterName, type Result, reportersByName } from '../reporter/index.ts';
import { writeWhole } from '../run/write-file.ts';

export interface ReportOrder {
  format: ReporterName;
  file: string;
}

/** @throws UsageError that lists the formats. */
export function readFormat(given: string): ReporterName {
  const format = REPORTER_NAMES.find((name) => name === given);
  if (format) return format;
  throw new UsageError(`There is no format "${shown(given)}"; there are: ${REPORTER_NAMES.join(', ')}.`);
}

/** @throws UsageError for anything but FORMAT=FILE. */
export function readReportOrders(given: readonly string[]): ReportOrder[] {
  return given.map((one) => {
    const [, format, file] = /^([^=]+)=(.+)$/.exec(one) ?? [];
    if (format === undefined || file === undefined) {
      throw new UsageError(`--report takes FORMAT=FILE, such as html=report.html, not "${shown(one)}".`);
    }
    return { format: readFormat(format), file };
  });
}

export async function writeReports(result: Result, orders: readonly ReportOrder[]): Promise<void> {
  for (const { format, file } of orders) await writeWhole(file, reportersByName[format](result));
}
