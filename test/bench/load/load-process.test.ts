import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { FromLoad, LoadPlan, ToLoad } from '../../../bench/load/plan.ts';
import { startBareRelay } from '../../fixtures/relay.ts';
import { startLabelServer } from './label-server.ts';
import { AUDIO, closed, open } from './run-engine.ts';

const SCRIPT = fileURLToPath(new URL('../../../bench/load/load-process.ts', import.meta.url));
const running = new Set<ChildProcess>();

afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
});

function startLoad() {
  const child = fork(SCRIPT, { execArgv: ['--import', 'tsx'] });
  running.add(child);
  const inbox: FromLoad[] = [];
  let wake: () => void = () => {};
  child.on('message', (message: FromLoad) => {
    inbox.push(message);
    wake();
  });
  return {
    exit: once(child, 'exit'),
    tell: (message: ToLoad) => child.send(message),
    async next(): Promise<FromLoad> {
      while (inbox.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return inbox.shift()!;
    },
  };
}

const plan: Omit<LoadPlan, 'address'> = { dialect: 'supernode', peers: 4, shape: 'pairs', flows: [AUDIO] };

describe('a load process', () => {
  it('connects, runs the phases it is told of in order, and stops', async () => {
    const relay = await startBareRelay();
    const load = startLoad();
    load.tell({ kind: 'connect', plan: { ...plan, address: relay.url } });
    load.tell({ kind: 'run', phase: closed(4) });
    load.tell({ kind: 'run', phase: open() });
    load.tell({ kind: 'stop' });
    const said: FromLoad[] = [];
    while (said.at(-1)?.kind !== 'stopped') said.push(await load.next());
    expect(said.map(({ kind }) => kind)).toEqual([
      'connected',
      'measuring',
      'measured',
      'measuring',
      'measured',
      'stopped',
    ]);
    expect(said[4]).toMatchObject({ packets: 120, bytes: 120 * 60, due: 120, lost: 0 });
    expect(said[5]).toMatchObject({ lost: 0 });
    expect((await load.exit)[0]).toBe(0);
  });

  it('says which fault ended it', async () => {
    const { address } = await startLabelServer({ tamper: (frame, number) => (number === 9 ? [] : [frame]) });
    const load = startLoad();
    load.tell({ kind: 'connect', plan: { ...plan, dialect: 'labels', address } });
    expect((await load.next()).kind).toBe('connected');
    load.tell({ kind: 'run', phase: { ...closed(4), warmupMs: 5_000 } as const });
    expect(await load.next()).toMatchObject({ kind: 'failed', fault: 'lost' });
    expect((await load.exit)[0]).toBe(1);
  });

  const refused: [string, Partial<LoadPlan>, string][] = [
    ['an odd number of peers', { peers: 3 }, 'peers in pairs must be an even number, not 3.'],
    [
      'a payload that is too small',
      { flows: [{ ...AUDIO, sizes: { bytes: 3 } }] },
      'Payload bytes of flow "audio" must be a whole number from 4 to 65526, not 3.',
    ],
    ['a rate of zero', { flows: [{ ...AUDIO, ratePerSec: 0 }] }, 'must be a number above 0, not 0.'],
    ['no flow', { flows: [] }, 'A plan needs at least one flow.'],
    ['an address where nobody is', { address: 'ws://127.0.0.1:1' }, 'ECONNREFUSED'],
  ];
  it.each(refused)('refuses %s', async (_, change, message) => {
    const load = startLoad();
    load.tell({ kind: 'connect', plan: { ...plan, address: 'ws://127.0.0.1:1', ...change } });
    const said = await load.next();
    expect(said).toMatchObject({ kind: 'failed', fault: 'broken' });
    expect('message' in said && said.message).toContain(message);
    await load.exit;
  });
});
