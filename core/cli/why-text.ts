/** What `supernode why` prints for people: a table, the last first, and what each reason means and what can be done. */
import pc from 'picocolors';
import type { WhyItem, WhyReport } from '../relay/why-desk.ts';
import { bareTable } from './bare-table.ts';

/** Enough of an id to tell it from others in one table. */
const ID_CHARACTERS = 12;

export function whyText(report: WhyReport, nowMs: number): string {
  const { peer, other, minutes, items, forgotten, missingShards } = report;
  const whom = other === null ? `of ${peer}` : `between ${peer} and ${other}`;
  const span = minutes === 1 ? 'the last minute' : `the last ${minutes} minutes`;
  const lines =
    items.length === 0
      ? [`Nothing ${whom} was dropped, throttled or refused in ${span}.`]
      : [
          `What was dropped, throttled or refused ${whom} in ${span}:`,
          '',
          table(items, nowMs),
          '',
          ...reasons(items),
        ];
  if (missingShards.length > 0) {
    lines.push(
      '',
      pc.yellow(`Incomplete: shards that are behind and did not answer: ${missingShards.join(', ')}.`),
    );
  }
  if (forgotten > 0) {
    lines.push(
      '',
      `Since the relay started ${forgotten.toLocaleString('en-US')} entries, of any peers, went before their time for want of room: one may be missing here.`,
    );
  }
  return lines.join('\n');
}

function table(items: WhyItem[], nowMs: number): string {
  const head = ['last', 'what', 'times', 'whose', 'for whom', 'by which limit'].map((title) =>
    pc.cyan(title),
  );
  const rows = items.map((item) => [
    ago(nowMs - item.lastMs),
    `${item.kind}: ${item.reason}`,
    item.count.toLocaleString('en-US'),
    `${short(item.peer)}${item.claimed ? ' (claimed)' : ''}`,
    item.other === null ? '-' : short(item.other),
    item.value === null ? item.limit : `${item.limit}: ${item.value}`,
  ]);
  return bareTable([head, ...rows]);
}

/** Each reason once, in the order of the table. */
function reasons(items: WhyItem[]): string[] {
  const seen = new Map(items.map((item) => [item.reason, item]));
  return [...seen.values()].map(
    ({ reason, what, advice, doc }) => `${pc.bold(reason)}: ${what} ${advice} (${doc})`,
  );
}

function short(id: string): string {
  return `${id.slice(0, ID_CHARACTERS)}…`;
}

/** To half a second: finer the relay does not note. */
function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 2) return 'now';
  return seconds < 120 ? `${seconds} s ago` : `${Math.floor(seconds / 60)} min ago`;
}
