/** A relay's numbers for people: one screen. `--json` has all of them. */
import pc from 'picocolors';
import type { RelayNumbers } from './ask-status.ts';
import { bareTable } from './bare-table.ts';
import { counted, duration, size } from './quantities.ts';

export function statusTable(numbers: RelayNumbers): string {
  return bareTable(rowsOf(numbers).map(([name, value]) => [pc.cyan(name), value]));
}

function rowsOf(numbers: RelayNumbers): [string, string][] {
  const { frames, bytes, logins, drops, pressure, directory } = numbers;
  const dropped = Object.entries(drops).filter(([, count]) => count > 0);
  const reasons = dropped.map(([reason, count]) => `${reason} ${counted(count)}`).join(', ');
  const faults = counted(numbers.faults);
  return [
    ['relay', `${numbers.url}  ${numbers.state}`],
    ['id', numbers.id],
    ['up', duration(numbers.uptimeMs)],
    ['memory', size(numbers.rssBytes)],
    ['shards', counted(numbers.shards.length)],
    ['peers', `${counted(numbers.sessions)}  (${counted(numbers.sockets)} sockets)`],
    [
      'channels',
      `${counted(numbers.channelEnds / 2)} open  (${counted(numbers.channelsOpened)} since the start)`,
    ],
    [
      'logins',
      `${counted(logins.full)} full, ${counted(logins.resumed)} resumed, ${counted(logins.refused)} refused`,
    ],
    ['frames', `${counted(frames.in)} in, ${counted(frames.out)} out`],
    ['traffic', `${size(bytes.in)} in, ${size(bytes.out)} out`],
    ['dropped', reasons === '' ? 'none' : reasons],
    ['waiting', `${size(pressure.queuedBytes)} for slow receivers`],
    ['directory', directory.path ?? directory.kept],
    [
      'look-ups',
      `${counted(directory.lookups)}  (${counted(directory.lookupsOnShard)} of peers here, ` +
        `${counted(directory.lookupsCached)} cached)`,
    ],
    [
      'stored',
      `${counted(directory.writes)} writes, ${counted(directory.pending)} requests wait, ` +
        `${counted(directory.refused)} refused`,
    ],
    [
      'told',
      `${counted(directory.presencePushed)} changes of presence to ${counted(directory.watches)} watches, ` +
        `${counted(directory.mailPushed)} messages`,
    ],
    ['protocol errors', counted(numbers.protocolErrors)],
    ['faults', numbers.faults > 0 ? pc.red(faults) : faults],
  ];
}
