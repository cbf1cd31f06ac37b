import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { compare, comparisonText } from '../../../../bench/replay/real/compare.ts';
import { checkRoom } from '../../../../bench/replay/real/room.ts';
import { runReal } from '../../../../bench/replay/real/run-real.ts';
import { scheduleOf } from '../../../../bench/replay/real/schedule.ts';
import { shapeOf } from '../../../../bench/replay/real/shape.ts';
import { planOf } from '../../../../bench/replay/settings.ts';
import { memoryParent } from '../../../../core/directory/memory-place.ts';
import { until } from '../../../fixtures/until.ts';

const small = { replay: 'cascade', peers: 60, relays: 3, mega: 0, seed: 3, scale: 600 } as const;
const plan = planOf(small, 'ours', 60);
const MiB = 1024 * 1024;
const folders = (): string[] =>
  readdirSync(memoryParent()).filter((name) => name.startsWith('supernode-replay-'));

/** Processes of a real replay whose parent is, or was, this one. */
function childrenOf(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
      } catch {
        return false;
      }
    })
    .map(Number);
}

describe('a real replay', () => {
  test('kills relays, lets the peers come back, and leaves nothing behind', async () => {
    const before = folders();
    const outcome = await runReal(plan);
    expect(outcome.form).toBe('real');
    expect(outcome.restarts).toBeGreaterThan(0);
    expect(outcome.exits).toBe(0);
    expect(outcome.series.relaysUp.some((up) => up < plan.relays)).toBe(true);
    expect(outcome.series.online.at(-1)).toBeGreaterThan(plan.peers * 0.8);
    expect(outcome.queueDepth.most).toBeLessThanOrEqual(outcome.queueDepth.bound!);
    const { queueWaitMs, peerWaitMs } = outcome;
    expect(queueWaitMs.count).toBeGreaterThan(0);
    expect(queueWaitMs.max).toBeGreaterThanOrEqual(queueWaitMs.p99);
    // What relays counted and had no time to tell before they were killed is lost; no more.
    expect(queueWaitMs.count).toBeLessThanOrEqual(peerWaitMs!.count + plan.peers);
    expect(peerWaitMs!.count).toBeGreaterThan(0);
    expect(folders().filter((name) => !before.includes(name))).toEqual([]);
    const itself = compare(outcome, outcome);
    expect(itself.onlineRmse).toBe(0);
    for (const { real, simulated } of itself.differences) expect(real).toBe(simulated);
    expect(comparisonText(itself)).toContain('0.0% of the peers');
  }, 120_000);

  test.skipIf(process.platform !== 'linux')(
    'leaves no process and no file when it is killed itself',
    async () => {
      const before = folders();
      const main = fileURLToPath(new URL('../../../../dist/core/cli/main.js', import.meta.url));
      const args = ['replay', 'cascade', '--real', '--peers', '60', '--relays', '3', '--scale', '600'];
      const child = spawn(process.execPath, [main, ...args], { stdio: 'ignore' });
      const own = (): string[] => folders().filter((name) => !before.includes(name));
      // The load processes have the folder in their order: then the peers are coming.
      await until('its processes run', () => own().some((name) => childrenOf(name).length > 1), 60_000);
      const [folder = ''] = own();
      child.kill('SIGKILL');
      await until('its processes are gone', () => childrenOf(folder).length === 0, 30_000);
      await until('its folder is gone', () => own().length === 0, 30_000);
    },
    120_000,
  );
});

describe('room for a real replay', () => {
  const schedule = scheduleOf(plan);
  const shape = shapeOf(plan, schedule.endMs);
  const enough = { cores: 2, files: 20_000, freeBytes: 8_000 * MiB };

  test('is refused in one sentence for want of cores, files or memory', () => {
    expect(() => checkRoom(plan, shape, enough)).not.toThrow();
    expect(() => checkRoom(plan, shape, { ...enough, cores: 1 })).toThrow(/needs 2 cores/);
    expect(() => checkRoom(plan, shape, { ...enough, files: 256 })).toThrow(/ulimit -n/);
    expect(() => checkRoom(plan, shape, { ...enough, freeBytes: 64 * MiB })).toThrow(/lower --peers/);
  });

  test('has a schedule that is the same for the same seed', () => {
    expect(scheduleOf(plan)).toEqual(schedule);
    for (const { downAtMs, upAtMs } of schedule.outages) {
      expect(downAtMs).toBeGreaterThanOrEqual(schedule.triggerMs);
      expect(upAtMs - downAtMs).toBeGreaterThanOrEqual(15 * 60_000);
    }
  });
});
