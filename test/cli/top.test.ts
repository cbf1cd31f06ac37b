import { EventEmitter } from 'node:events';
import { connect, createRelay } from 'supernode';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RelayNumbers } from '../../core/cli/ask-status.ts';
import { type Rates, ratesBetween } from '../../core/cli/top/rates.ts';
import { History, type Line, screenOf } from '../../core/cli/top/screen.ts';
import { sparkline } from '../../core/cli/top/sparkline.ts';
import { type Keys, type Screen, Terminal } from '../../core/cli/top/terminal.ts';
import { until } from '../fixtures/until.ts';
import { type Run, Sandbox } from './run-cli.ts';

const plain = (text: string): Line => ({ text, style: 'plain' });

class FakeTerminal extends EventEmitter {
  columns = 20;
  rows = 3;
  isTTY = true;
  raw = false;
  reading = false;
  written: string[] = [];
  write(text: string): boolean {
    this.written.push(text);
    return true;
  }
  setRawMode(raw: boolean): void {
    this.raw = raw;
  }
  resume(): this {
    this.reading = true;
    return this;
  }
  pause(): this {
    this.reading = false;
    return this;
  }
}

function terminal(): { fake: FakeTerminal; shown: Terminal; quits: () => number } {
  const fake = new FakeTerminal();
  let quits = 0;
  const shown = new Terminal(
    fake as unknown as Screen,
    fake as unknown as Keys,
    (text) => text,
    () => quits++,
  );
  return { fake, shown, quits: () => quits };
}

describe('the screen of top', () => {
  it('is cut to the terminal, and again when that changes its size', () => {
    const { fake, shown } = terminal();
    shown.open();
    shown.show([plain('a'.repeat(50)), plain('b'), plain('c'), plain('d')]);
    const frame = fake.written.at(-1)!;
    expect(frame).toContain(`\x1b[H${'a'.repeat(20)}\x1b[K`);
    expect(frame).not.toContain('a'.repeat(21));
    expect(frame).not.toContain('d');
    fake.columns = 5;
    fake.rows = 4;
    fake.emit('resize');
    expect(fake.written.at(-1)).toContain('\x1b[Haaaaa\x1b[K');
    expect(fake.written.at(-1)).toContain('d');
  });

  it('is as large as most where the terminal says no size', () => {
    const { fake, shown } = terminal();
    fake.columns = 0;
    fake.rows = 0;
    shown.open();
    shown.show(Array.from({ length: 30 }, () => plain('x'.repeat(100))));
    expect(fake.written.at(-1)!.match(/x+/g)).toEqual(Array(24).fill('x'.repeat(80)));
  });

  it('leaves the terminal as it was, however often it is closed', () => {
    const { fake, shown } = terminal();
    shown.open();
    expect(fake.raw).toBe(true);
    expect(fake.written).toEqual(['\x1b[?1049h\x1b[?25l']);
    shown.close();
    shown.close();
    shown.show([plain('late')]);
    fake.emit('resize');
    expect(fake.written).toEqual(['\x1b[?1049h\x1b[?25l', '\x1b[?25h\x1b[?1049l']);
    expect([fake.raw, fake.reading, fake.listenerCount('resize'), fake.listenerCount('data')]).toEqual([
      false,
      false,
      0,
      0,
    ]);
  });

  it.each([['q'], ['Q'], ['\x03'], ['\x04'], ['xq']])('is left with %j', (key) => {
    const { fake, shown, quits } = terminal();
    shown.open();
    fake.emit('data', Buffer.from('x\x1b[A'));
    expect(quits()).toBe(0);
    fake.emit('data', Buffer.from(key));
    expect(quits()).toBe(1);
  });

  it('takes no keys from what is no terminal', () => {
    const { fake, shown } = terminal();
    fake.isTTY = false;
    shown.open();
    shown.close();
    expect(fake.raw).toBe(false);
    expect(fake.listenerCount('data')).toBe(0);
  });
});

describe('a sparkline', () => {
  it('shows the last values, the largest as a full bar and nothing as a blank', () => {
    expect(sparkline([0, 1, 4, 8], 4)).toBe(' ▂▅█');
    expect(sparkline([9, 9, 9, 8, 0], 3)).toBe('██ ');
    expect(sparkline([1], 4)).toBe('   █');
    expect(sparkline([], 3)).toBe('   ');
    expect(sparkline([0, 0], 2)).toBe('  ');
    expect(sparkline([1], 0)).toBe('');
  });
});

describe('what top shows', () => {
  it('are the differences per second, and of a relay that was started anew what it has', async () => {
    const relay = await createRelay({ port: 0, shards: 2 });
    const first = relay.stats();
    const peer = await connect(relay.url);
    await until('it is here', () => relay.stats().sessions === 1);
    const second = relay.stats();
    await peer.close();
    await relay.close();
    const rates = ratesBetween({ atMs: 1_000, numbers: first }, { atMs: 3_000, numbers: second });
    expect(rates).toMatchObject({ seconds: 2, sessions: 1, logins: { full: 0.5, resumed: 0, refused: 0 } });
    expect(rates.threads.map(({ thread }) => thread)).toEqual(['main', 'shard-0', 'shard-1']);
    const before: RelayNumbers = {
      ...second,
      uptimeMs: second.uptimeMs + 60_000,
      logins: { ...second.logins, full: 99 },
    };
    expect(ratesBetween({ atMs: 0, numbers: before }, { atMs: 1_000, numbers: second }).logins.full).toBe(1);

    const history = new History();
    history.add(rates);
    const alarmed = {
      ...rates,
      notReady: ['draining'],
      faults: 2,
      drops: { ...rates.drops, oldest: 12.34, expired: 3 },
    };
    const lines = screenOf(alarmed, history);
    const alarms = lines.filter(({ style }) => style === 'alarm').map(({ text }) => text);
    expect(alarms.join('\n')).toContain('takes no peers: draining');
    expect(alarms.join('\n')).toContain('oldest 12  expired 3.0');
    expect(alarms.join('\n')).toContain('2 since the start');
    for (const { text } of lines) expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('are client versions when there are several, suspects in any case, and logins that are refused for theirs', async () => {
    const relay = await createRelay({ port: 0, directory: false, versions: { refuse: ['old/*'] } });
    const before = relay.stats();
    const peers = await Promise.all(['a/1', 'b/1'].map((client) => connect(relay.url, { client })));
    await expect(connect(relay.url, { client: 'old/1' })).rejects.toMatchObject({ code: 'version-refused' });
    await until('they are counted', () => relay.stats().versions.seen.length === 2);
    const after = relay.stats();
    for (const peer of peers) await peer.close();
    await relay.close();
    const rates = ratesBetween({ atMs: 0, numbers: before }, { atMs: 2_000, numbers: after });
    expect(rates).toMatchObject({ versionsRefused: 0.5, versionsDelayed: 0 });
    expect(rates.versions.map(({ version, sessions }) => [version, sessions])).toEqual(
      expect.arrayContaining([
        ['a/1', 1],
        ['b/1', 1],
      ]),
    );
    const shown = (one: Rates): Line[] => screenOf(one, new History());
    const lines = shown(rates);
    expect(lines.find(({ text }) => text.startsWith('a/1'))).toMatchObject({ style: 'plain' });
    expect(lines.filter(({ style }) => style === 'alarm').map(({ text }) => text)).toEqual([
      'refused 0.5/s, told to wait 0/s for their version',
    ]);
    const [one] = rates.versions;
    const many = Array.from({ length: 20 }, (_, i) => ({ ...one!, version: `v/${i}`, suspect: i === 19 }));
    const crowded = shown({ ...rates, versions: many }).map(({ text }) => text);
    expect(crowded.filter((text) => text.startsWith('v/'))).toHaveLength(6);
    expect(crowded.find((text) => text.startsWith('v/19'))).toMatch(/suspect$/);
    expect(crowded).toContain('and 14 others');
    const alone = shown({ ...rates, versions: rates.versions.slice(0, 1), versionsRefused: 0 });
    expect(alone.some(({ text }) => text.startsWith('version'))).toBe(false);
  });
});

describe('supernode top', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.create();
  });
  afterEach(() => sandbox.remove());
  const ended = async (run: Run, code: number): Promise<Run> => {
    expect({ ...(await run.end()), stderr: run.stderr }).toMatchObject({ code });
    return run;
  };

  it('prints one screen where there is no terminal, and a line of JSON for each interval', async () => {
    const relay = await sandbox.relay();
    const once = await ended(sandbox.run(['top', '--interval', '0.1']), 0);
    expect(once.text).toContain(relay.url);
    expect(once.text).toMatch(/^audio +0 /m);
    expect(once.text).not.toContain('\x1b');
    const lines = sandbox.run(['top', '--json', '--interval', '0.1']);
    await lines.until(() => lines.text.split('\n').length > 2);
    lines.child.kill('SIGTERM');
    await ended(lines, 0);
    const [line] = lines.text.split('\n');
    expect(JSON.parse(line!)).toMatchObject({
      id: relay.id,
      sessions: 0,
      state: 'open',
      classes: { audio: {} },
    });
  });

  it('says what is wrong with an interval, and that no relay runs', async () => {
    for (const given of ['0', '0.01', '3601', 'x', '1e3']) {
      expect((await ended(sandbox.run(['top', '--interval', given]), 2)).stderr).toContain('--interval');
    }
    expect((await ended(sandbox.run(['top', '--once']), 1)).stderr).toContain('No relay of this user');
  });
});
