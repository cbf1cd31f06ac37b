/** `supernode bench report`. */
import { EXIT_OK } from '../../core/cli/exit-codes.ts';
import { type FlagValues, text } from '../../core/cli/flags.ts';
import { printText } from '../../core/cli/print.ts';
import { readResultFile, reportersByName } from '../reporter/index.ts';
import { writeWhole } from '../run/write-file.ts';
import { readFormat } from './reports.ts';

export async function report(values: FlagValues): Promise<number> {
  const format = readFormat(text(values, 'format') ?? 'table');
  const shown = reportersByName[format](await readResultFile(text(values, 'result')!));
  const file = text(values, 'out');
  if (file === undefined) await printText(shown);
  else await writeWhole(file, shown);
  return EXIT_OK;
}
