import { deny } from 'supernode';
import { describe, expect, it } from 'vitest';
import { Idle } from '../../../bench/load/scenarios/idle.ts';
import { startBareRelay } from '../../fixtures/relay.ts';
import { until } from '../../fixtures/until.ts';
import { killableRelay, latencies, watched } from './run-scenario.ts';

function idle(address: string, peers: number, keepAliveMs = 100) {
  const plan = { kind: 'idle', address, peers, seed: 1, keepAliveMs, concurrency: 8 } as const;
  return watched((fail) => new Idle(plan, fail));
}

const steady = { kind: 'steady', warmupMs: 20, measureMs: 300 } as const;

describe('idle peers', () => {
  it('log in, ping at their rate, are all answered, and leave', async () => {
    const relay = await startBareRelay();
    const { scenario, faults } = idle(relay.url, 20);
    expect(await scenario.connect()).toBe(20);
    expect(relay.stats().sessions).toBe(20);
    const { ping, peers, elapsedMs } = await scenario.run(steady, () => {});
    expect(peers).toBe(20);
    expect(Math.abs(ping.due! - elapsedMs / 5)).toBeLessThanOrEqual(3);
    expect(ping.lost).toBe(0);
    expect(latencies(ping).totalCount).toBeGreaterThanOrEqual(ping.done);
    await scenario.stop();
    await until('the relay is empty', () => relay.stats().sessions === 0);
    expect(faults).toEqual([]);
  });

  it('do nothing at all without keep-alive', async () => {
    const relay = await startBareRelay();
    const { scenario } = idle(relay.url, 3, 0);
    await scenario.connect();
    expect((await scenario.run(steady, () => {})).ping).toMatchObject({ due: 0, done: 0, underWay: 0 });
  });

  it('count how many a relay refused', async () => {
    const full = await startBareRelay({ maxPeers: 4 });
    await expect(idle(full.url, 10).scenario.connect()).rejects.toThrow(
      /^6 of 10 peers were refused; .*relay-full/,
    );
    const closed = await startBareRelay({ authorize: () => deny('not today') });
    await expect(idle(closed.url, 5).scenario.connect()).rejects.toMatchObject({
      fault: 'broken',
      message: expect.stringMatching(/^5 of 5 peers were refused; .*denied/),
    });
  });

  it('are broken when the relay is killed', async () => {
    const relay = await killableRelay();
    const { scenario, faults } = idle(relay.url, 5);
    await scenario.connect();
    relay.kill();
    await until('the fault is reported', () => faults.length > 0);
    expect(faults[0]).toMatchObject({ fault: 'broken' });
  });
});
