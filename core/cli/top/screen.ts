/**
 * The screen of `supernode top`: lines of plain text that fit the terminal, with the style of each apart, so that
 * cutting a line never cuts a colour.
 */
import { PRIORITIES, type Priority } from '../../protocol/ops.ts';
import { counted, duration, size } from '../quantities.ts';
import { safeLine } from '../safe-text.ts';
import type { Rates } from './rates.ts';
import { sparkline } from './sparkline.ts';

export type Style = 'title' | 'head' | 'plain' | 'alarm' | 'faint';

export interface Line {
  text: string;
  style: Style;
}

/** Frames out per second of each class, the last at the end: what the sparklines show. */
export class History {
  readonly #of = new Map<Priority, number[]>(PRIORITIES.map((name) => [name, []]));
  static readonly MOST = 300;

  add(rates: Rates): void {
    for (const name of PRIORITIES) {
      const values = this.#of.get(name)!;
      values.push(rates.classes[name].framesOut);
      if (values.length > History.MOST) values.shift();
    }
  }

  of(name: Priority): readonly number[] {
    return this.#of.get(name)!;
  }
}

/** A loop that is later than this delays voice audibly. */
const LATE_MS = 20;
const SPARK_WIDTH = 30;

export function screenOf(rates: Rates, history: History): Line[] {
  return [
    ...summary(rates),
    BLANK,
    ...classTable(rates, history),
    BLANK,
    ...trouble(rates),
    admission(rates),
    BLANK,
    ...threadTable(rates),
    ...versionTable(rates),
    ...tenantTable(rates),
  ];
}

const BLANK: Line = { text: '', style: 'plain' };

function summary(rates: Rates): Line[] {
  const ready = rates.notReady.length === 0;
  const state = ready ? rates.state : `${rates.state}, takes no peers: ${rates.notReady.join(', ')}`;
  const { logins } = rates;
  return [
    {
      text: `${rates.url}  ${state}  up ${duration(rates.uptimeMs)}  ${size(rates.rssBytes)}`,
      style: ready ? 'title' : 'alarm',
    },
    plain(
      `peers ${counted(rates.sessions)} of ${counted(rates.maxPeers)} (${counted(rates.sockets)} sockets)   ` +
        `channels ${counted(rates.channels)}   opened ${rate(rates.channelsOpened)}/s`,
    ),
    plain(
      `logins/s  full ${rate(logins.full)}  resumed ${rate(logins.resumed)}  refused ${rate(logins.refused)}   ` +
        `look-ups ${rate(rates.lookups)}/s   directory ${rate(rates.directory.asks)} asks/s, ` +
        `${counted(rates.directory.pending)} wait`,
    ),
  ];
}

function classTable(rates: Rates, history: History): Line[] {
  const row = (name: string, flow: Rates['wire'], spark: string): string =>
    [
      name.padEnd(9),
      rate(flow.framesIn).padStart(9),
      rate(flow.framesOut).padStart(9),
      `${size(flow.bytesIn)}/s`.padStart(12),
      `${size(flow.bytesOut)}/s`.padStart(12),
      ` ${spark}`,
    ].join(' ');
  const heads = [
    'class'.padEnd(9),
    'in/s'.padStart(9),
    'out/s'.padStart(9),
    'in'.padStart(12),
    'out'.padStart(12),
  ];
  return [
    { text: `${heads.join(' ')}  frames out`, style: 'head' },
    ...PRIORITIES.map((name) =>
      plain(row(name, rates.classes[name], sparkline(history.of(name), SPARK_WIDTH))),
    ),
    plain(row('wire', rates.wire, `${rates.framesPerSend.toFixed(1)} frames a send`)),
  ];
}

function trouble(rates: Rates): Line[] {
  const drops = Object.entries(rates.drops).filter(([, perSec]) => perSec > 0);
  const dropped = drops.map(([reason, perSec]) => `${reason} ${rate(perSec)}`).join('  ');
  const errors = rates.protocolErrors > 0 || rates.offersRefused > 0 || rates.directory.refused > 0;
  const lines: Line[] = [
    { text: `dropped/s  ${dropped === '' ? 'none' : dropped}`, style: drops.length > 0 ? 'alarm' : 'plain' },
    {
      text:
        `waiting    ${size(rates.queuedBytes)} for slow receivers, ${rate(rates.pressured)}/s became slow, frames wait ${rates.queueDelayMs.toFixed(1)} ms, ` +
        `${rate(rates.congestionTold)}/s told to senders`,
      style: 'plain',
    },
    {
      text:
        `refused/s  offers ${rate(rates.offersRefused)}  directory ${rate(rates.directory.refused)}  ` +
        `protocol errors ${rate(rates.protocolErrors)}`,
      style: errors ? 'alarm' : 'plain',
    },
  ];
  if (rates.faults > 0) {
    lines.push({
      text: `faults     ${counted(rates.faults)} since the start: please report one`,
      style: 'alarm',
    });
  }
  return lines;
}

function admission({ admission: desk, upgradesRefused }: Rates): Line {
  const { perSec, pending, turns, backlogMs, overloaded, waitMs } = desk;
  const later = turns > 0 ? `, ${counted(turns)} told to come back within ${duration(backlogMs)}` : '';
  return {
    text:
      `admission  ${counted(Math.round(perSec))} logins/s, ${counted(pending)} wait${later}, ` +
      `waits p99 ${waitMs.p99.toFixed(1)} ms, sockets refused ${rate(upgradesRefused)}/s`,
    style: overloaded || turns > 0 || upgradesRefused > 0 ? 'alarm' : 'plain',
  };
}

function threadTable({ threads }: Rates): Line[] {
  const cells = (row: string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(9) : cell.padStart(i < 3 ? 9 : 11))).join(' ');
  return [
    { text: cells(['thread', 'late ms', 'most', 'peers', 'in/s', 'out/s', 'out', 'waiting']), style: 'head' },
    ...threads.map((thread): Line => {
      const late = [thread.thread, thread.lagMs.toFixed(1), thread.lagMaxMs.toFixed(1)];
      const own =
        thread.thread === 'main'
          ? []
          : [
              counted(thread.sessions),
              rate(thread.framesIn),
              rate(thread.framesOut),
              `${size(thread.bytesOut)}/s`,
              size(thread.queuedBytes),
            ];
      return { text: cells([...late, ...own]).trimEnd(), style: thread.lagMs > LATE_MS ? 'alarm' : 'plain' };
    }),
  ];
}

/** More than these do not fit a screen; --json has all. */
const MOST_VERSIONS = 5;
const MOST_TENANTS = 8;

/** With one version there is nothing to compare. */
function versionTable({ versions, versionsRefused, versionsDelayed }: Rates): Line[] {
  const kept = versionsRefused > 0 || versionsDelayed > 0;
  if (versions.length < 2 && !kept) return [];
  const cells = (row: string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.slice(0, 28).padEnd(28) : cell.padStart(11))).join(' ');
  // A suspect is shown, however few have it.
  const shown = versions.filter(({ suspect }, i) => suspect || i < MOST_VERSIONS);
  const others = versions.length - shown.length;
  return [
    BLANK,
    { text: cells(['version (5 minutes)', 'peers', 'logins', 'came back', 'lost']), style: 'head' },
    ...shown.map((one): Line => {
      const counts = [one.sessions, one.logins, one.reconnects, one.lost].map(counted);
      return {
        text: cells([safeLine(one.version), ...counts]) + (one.suspect ? '  suspect' : ''),
        style: one.suspect ? 'alarm' : 'plain',
      };
    }),
    ...(others > 0 ? [plain(`and ${counted(others)} others`)] : []),
    ...(kept
      ? [
          {
            text: `refused ${rate(versionsRefused)}/s, told to wait ${rate(versionsDelayed)}/s for their version`,
            style: 'alarm' as const,
          },
        ]
      : []),
  ];
}

function tenantTable({ tenants }: Rates): Line[] {
  if (tenants.length === 0) return [];
  const cells = (row: string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.slice(0, 18).padEnd(18) : cell.padStart(11))).join(' ');
  const rows = tenants.slice(0, MOST_TENANTS).map((one): Line => {
    const flow = [`${size(one.bytesIn)}/s`, `${size(one.bytesOut)}/s`];
    const over = [rate(one.throttled), rate(one.refused)];
    return {
      text: cells([safeLine(one.tenant), counted(one.sessions), counted(one.channels), ...flow, ...over]),
      style: one.throttled > 0 || one.refused > 0 ? 'alarm' : 'plain',
    };
  });
  const head = cells(['tenant', 'peers', 'channels', 'in', 'out', 'throttled/s', 'refused/s']);
  const others = tenants.length - rows.length;
  return [
    BLANK,
    { text: head, style: 'head' },
    ...rows,
    ...(others > 0 ? [plain(`and ${counted(others)} others`)] : []),
  ];
}

function plain(text: string): Line {
  return { text, style: 'plain' };
}

/** Whole, unless there are few. */
function rate(perSec: number): string {
  return perSec > 0 && perSec < 10 ? perSec.toFixed(1) : counted(Math.round(perSec));
}
