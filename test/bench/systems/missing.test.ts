import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { findProgram } from '../../../bench/systems/programs.ts';
import { SYSTEM_IDS } from '../../../bench/systems/system.ts';
import { SYSTEMS } from '../../../bench/systems/systems.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('every system is there under its own id', () => {
  expect(Object.keys(SYSTEMS)).toEqual([...SYSTEM_IDS]);
  for (const id of SYSTEM_IDS) expect(SYSTEMS[id].id).toBe(id);
});

test('an installed server that is absent is named with the command that installs it', async () => {
  vi.stubEnv('PATH', '');
  for (const [id, program, command] of [
    ['nats', 'nats-server', 'apt-get install nats-server'],
    ['coturn-tcp', 'turnserver', 'apt-get install coturn'],
    ['coturn-tcp-udp', 'turnserver', 'apt-get install coturn'],
    ['coturn-udp', 'turnserver', 'apt-get install coturn'],
  ] as const) {
    expect(await SYSTEMS[id].missing()).toEqual({ why: expect.stringContaining(program), install: command });
    await expect(SYSTEMS[id].start({ core: null, shards: 1 })).rejects.toThrow(`${program} is not installed`);
  }
  for (const id of ['supernode', 'ws', 'uws-relay', 'uws-echo'] as const) {
    expect(await SYSTEMS[id].missing()).toBeNull();
  }
});

test('a server is found on PATH, and in the sbin beside a bin, where it can be run', () => {
  const root = mkdtempSync(join(tmpdir(), 'programs-'));
  try {
    for (const directory of ['bin', 'sbin']) mkdirSync(join(root, directory));
    const program = join(root, 'sbin', 'a-server');
    writeFileSync(program, '');
    chmodSync(program, 0o644);
    vi.stubEnv('PATH', join(root, 'bin'));
    expect(findProgram('a-server')).toBeNull();
    chmodSync(program, 0o755);
    expect(findProgram('a-server')).toBe(program);
    vi.stubEnv('PATH', join(root, 'sbin'));
    expect(findProgram('a-server')).toBe(program);
  } finally {
    rmSync(root, { recursive: true });
  }
});
