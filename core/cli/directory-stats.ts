/** `supernode directory stats`: what is in a store. */
import Table from 'cli-table3';
import { type DirectoryStats, statsDirectory } from '../directory/stats.ts';
import { TABLES } from '../directory/store.ts';
import type { Command } from './command.ts';
import { dataFlag, megabytes, storeOf } from './directory.ts';
import { EXIT_FAILURE, EXIT_OK } from './exit-codes.ts';
import { printText } from './print.ts';

export const directoryStats: Command = {
  name: 'supernode directory stats',
  description: 'Shows how much is in a directory, and what ends next',
  args: { ...dataFlag, json: { type: 'boolean', description: 'Print the numbers as one line of JSON' } },
  examples: [
    ['supernode directory stats', 'that of the relay on the default port'],
    ['supernode directory stats --data /srv/relay --json', 'for a script'],
  ],
  exitCodes: [[EXIT_FAILURE, 'there is none, or it cannot be read']],
  async run(values) {
    const stats = await statsDirectory(storeOf(values));
    await printText(`${values['json'] === true ? JSON.stringify(stats) : statsText(stats)}\n`);
    return EXIT_OK;
  },
};

function statsText(stats: DirectoryStats): string {
  const table = new Table({
    head: ['table', 'rows', 'size'],
    colAligns: ['left', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const name of TABLES) {
    table.push([name, stats.rows[name].toLocaleString('en'), megabytes(stats.tableBytes[name])]);
  }
  return [
    `${stats.path}, version ${stats.version}`,
    stats.pid === null ? 'not in use' : `in use by process ${stats.pid}`,
    `${megabytes(stats.fileBytes)} on the disk, ${megabytes(stats.usedBytes)} of it in use`,
    `the next record expires ${when(stats.nextRecordExpiryMs)}, the next message ${when(stats.nextMailExpiryMs)}`,
    table.toString(),
  ].join('\n');
}

function when(ms: number | null): string {
  return ms === null ? 'never' : new Date(ms).toISOString();
}
