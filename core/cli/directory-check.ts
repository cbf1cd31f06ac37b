/** `supernode directory check`: whether a store is whole. */
import { checkDirectory, DEFAULT_MOST_FINDINGS, type Finding } from '../directory/check.ts';
import type { Command } from './command.ts';
import { dataFlag, plural, showProgress, storeOf } from './directory.ts';
import { EXIT_FAILURE, EXIT_OK } from './exit-codes.ts';
import { wholeNumber } from './flags.ts';
import { printText } from './print.ts';

const MOST_FINDINGS = 100_000;

export const directoryCheck: Command = {
  name: 'supernode directory check',
  description: 'Reads all of a directory, and says what is wrong with it',
  args: {
    ...dataFlag,
    most: {
      type: 'string',
      description: `Findings to list, default ${DEFAULT_MOST_FINDINGS}`,
      valueHint: 'N',
    },
    json: { type: 'boolean', description: 'Print {"findings", "found", "rows"} as one line of JSON' },
  },
  notes: [
    'It verifies every signature, about 5,000 a second, and works while the relay runs. What is damaged comes back from ' +
      'an export: supernode directory import into an empty data directory.',
  ],
  examples: [
    ['supernode directory check', 'that of the relay on the default port'],
    ['supernode directory check --data /srv/relay --json', 'for a script'],
  ],
  exitCodes: [[EXIT_FAILURE, 'something is wrong with it, or it cannot be read']],
  async run(values) {
    const most = wholeNumber(values, 'most', 1, MOST_FINDINGS) ?? DEFAULT_MOST_FINDINGS;
    const progress = showProgress('checked');
    try {
      const result = await checkDirectory(storeOf(values), { most, onProgress: progress.onProgress });
      progress.stop();
      const lines = result.findings.map(line);
      const rest = result.found - result.findings.length;
      if (rest > 0) lines.push(`and ${plural(rest, 'more finding')}`);
      lines.push(`${plural(result.rows, 'row')} read, ${plural(result.found, 'finding')}`);
      await printText(`${values['json'] === true ? JSON.stringify(result) : lines.join('\n')}\n`);
      return result.found === 0 ? EXIT_OK : EXIT_FAILURE;
    } finally {
      progress.stop();
    }
  },
};

function line({ table, key, what }: Finding): string {
  return table === null ? what : `${table} ${key}: ${what}`;
}
