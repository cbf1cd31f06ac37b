import { deny } from 'supernode';
import { describe, expect, it } from 'vitest';
import { LoginStorm } from '../../../bench/load/scenarios/login-storm.ts';
import type { ScenarioPhase } from '../../../bench/load/scenarios/scenario.ts';
import { startBareRelay, startRelay } from '../../fixtures/relay.ts';
import { until } from '../../fixtures/until.ts';
import { killableRelay, latencies, watched } from './run-scenario.ts';

/** Long enough for a login on a slow machine. */
const times = { warmupMs: 500, measureMs: 400 };
const closed: ScenarioPhase = { kind: 'logins-closed', proof: 'signature', concurrency: 4, ...times };

function storm(address: string, peers: number) {
  return watched(
    (fail) => new LoginStorm({ kind: 'login-storm', address, peers, seed: 1, calls: 0 }, fail, null),
  );
}

describe('a storm of logins', () => {
  it('counts every login, by signature and by ticket', async () => {
    // One that has its login thread when it is there: without a directory the first login may wait for that thread to start.
    const relay = await startRelay();
    const { scenario, faults } = storm(relay.url, 12);
    expect(await scenario.connect()).toBe(0);
    for (const proof of ['signature', 'ticket'] as const) {
      const result = await scenario.run({ ...closed, proof }, () => {});
      expect(result.login.done).toBeGreaterThan(0);
      expect(result.login.due).toBe(null);
      expect(result.handshake.done).toBe(result.login.done);
      expect(latencies(result.login).totalCount).toBeGreaterThanOrEqual(result.login.done);
      expect(result).toMatchObject({ proof, refused: {}, ticketsRefused: 0, givenUp: 0, audio: null });
    }
    await scenario.stop();
    expect(faults).toEqual([]);
  });

  it('logs in by ticket indeed', async () => {
    const kinds: boolean[] = [];
    const relay = await startBareRelay({
      authorize: ({ resumed }) => {
        kinds.push(resumed);
        return { allowed: true };
      },
    });
    const { scenario } = storm(relay.url, 5);
    await scenario.connect();
    await scenario.run({ ...closed, proof: 'ticket' }, () => {});
    expect(kinds.slice(0, 5)).toEqual([false, false, false, false, false]);
    expect(kinds.length).toBeGreaterThan(5);
    expect(kinds.slice(5)).not.toContain(false);
  });

  it('has as many logins due as its rate asks for, and counts latency from then', async () => {
    const relay = await startBareRelay();
    const { scenario } = storm(relay.url, 30);
    await scenario.connect();
    const open: ScenarioPhase = { kind: 'logins-open', proof: 'signature', ratePerSec: 100, ...times };
    const { login, elapsedMs } = await scenario.run(open, () => {});
    expect(Math.abs(login.due! - elapsedMs / 10)).toBeLessThanOrEqual(3);
    expect(login.done + login.underWay).toBeGreaterThan(0);
  });

  it('shows the wait of logins that nobody could begin', async () => {
    // One peer at a time, and each login held for 40 ms: at 100 a second, most are overdue.
    const relay = await startBareRelay({
      authorize: () => new Promise((resolve) => setTimeout(() => resolve({ allowed: true }), 40)),
    });
    const { scenario } = storm(relay.url, 1);
    await scenario.connect();
    const open = {
      kind: 'logins-open',
      proof: 'signature',
      ratePerSec: 100,
      warmupMs: 0,
      measureMs: 500,
    } as const;
    const { login, handshake } = await scenario.run(open, () => {});
    expect(login.underWay).toBeGreaterThan(20);
    expect(handshake.underWay).toBeLessThanOrEqual(1);
    expect(latencies(login).maxValue).toBeGreaterThan(300_000);
  });

  it('counts those that the relay keeps out, and does not try them again', async () => {
    const relay = await startBareRelay({ authorize: () => deny('not today') });
    const { scenario, faults } = storm(relay.url, 10);
    await scenario.connect();
    // A machine without a core to spare takes more than one span for ten logins.
    let result = await scenario.run(closed, () => {});
    for (let spans = 1; result.givenUp < 10 && spans < 50; spans++)
      result = await scenario.run(closed, () => {});
    expect(result.login.done).toBe(0);
    expect(result.givenUp).toBe(10);
    expect(relay.stats().logins).toMatchObject({ full: 0, resumed: 0, refused: 10 });
    expect(faults).toEqual([]);
  });

  it('comes back to a relay that is full, no sooner than it was told', async () => {
    const relay = await startBareRelay({ maxPeers: 3 });
    const { scenario, faults } = storm(relay.url, 8);
    await scenario.connect();
    // A full relay names 5 seconds at the least.
    const result = await scenario.run({ ...closed, warmupMs: 0, measureMs: 7_000 }, () => {});
    // Three are in at a time: one leaves for every one that comes.
    expect(result.login.done).toBeGreaterThanOrEqual(3);
    expect(result.refused['relay-full']).toBeGreaterThanOrEqual(4);
    expect(result.retry.retries).toBeGreaterThan(0);
    expect(result.retry.early).toBe(0);
    expect(faults).toEqual([]);
  });

  it('waits as long as a busy relay names', async () => {
    let logins = 0;
    const relay = await startBareRelay({
      authorize: () => {
        // The relay calls a login busy whose authorization fails, and names a second.
        if (logins++ < 2) throw new Error('not now');
        return { allowed: true };
      },
    });
    const { scenario } = storm(relay.url, 2);
    await scenario.connect();
    const result = await scenario.run({ ...closed, warmupMs: 0, measureMs: 1600 }, () => {});
    expect(result.refused).toEqual({ busy: 2 });
    expect(result.retry).toMatchObject({ retries: 2, asked: 2, early: 0 });
    expect(result.retry.waitedMs).toBeGreaterThanOrEqual(result.retry.askedMs);
    expect(latencies(result.login).maxValue).toBeGreaterThan(1_000_000);
  });

  it('is broken when the relay is killed', async () => {
    const relay = await killableRelay();
    const { scenario, faults } = storm(relay.url, 10);
    await scenario.connect();
    const run = scenario.run({ ...closed, measureMs: 300 }, () => relay.kill());
    await until('the fault is reported', () => faults.length > 0);
    expect(faults[0]).toMatchObject({ fault: 'broken' });
    scenario.abandon();
    await run;
  });

  it('names the phases that it runs', async () => {
    const relay = await startBareRelay();
    const { scenario } = storm(relay.url, 1);
    await scenario.connect();
    await expect(scenario.run({ kind: 'steady', ...times }, () => {})).rejects.toThrow(
      'The scenario login-storm runs logins-closed or logins-open, not "steady".',
    );
  });
});
