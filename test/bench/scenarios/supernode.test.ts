import { describe, expect, it } from 'vitest';
import { SUPERNODE_OPERATIONS, type SupernodePlan } from '../../../bench/load/scenarios/scenario.ts';
import { Supernode } from '../../../bench/load/scenarios/supernode.ts';
import { startRelay } from '../../fixtures/relay.ts';
import { until } from '../../fixtures/until.ts';
import { killableRelay, latencies, watched } from './run-scenario.ts';
import { tamperingProxy } from './tampering-proxy.ts';

const steady = { kind: 'steady', warmupMs: 50, measureMs: 600 } as const;

function supernode(address: string, changes: Partial<SupernodePlan> = {}) {
  const plan: SupernodePlan = {
    kind: 'supernode',
    address,
    peers: 50,
    seed: 3,
    concurrency: 10,
    audio: '160x50',
    compression: 2000,
    presence: 'watches',
    ...changes,
  };
  return watched((fail) => new Supernode(plan, fail));
}

/** Nothing but calls, and hardly a ping. */
const calm = { peers: 20, compression: 1, presence: 'none' } as const;

describe('the mix of a supernode', () => {
  it.each([1, 2])('does something of every kind and loses nothing, on %i shards', async (shards) => {
    const relay = await startRelay({ shards });
    const { scenario, faults } = supernode(relay.url);
    expect(await scenario.connect()).toBe(50);
    const result = await scenario.run(steady, () => {});
    for (const name of SUPERNODE_OPERATIONS) {
      const operation = result.operations[name];
      expect(operation.done, name).toBeGreaterThan(0);
      expect(operation.lost, name).toBe(0);
      expect(latencies(operation).totalCount, name).toBeGreaterThanOrEqual(operation.done);
    }
    expect(result.callsEnded).toBeGreaterThan(0);
    expect(result.leaves).toBeGreaterThan(0);
    const { packets, lost } = await scenario.stop();
    expect(faults).toEqual([]);
    expect(packets).toBeGreaterThan(result.operations.audio.done);
    expect(lost).toBe(0);
    await until('the relay is empty', () => relay.stats().sessions === 0);
  });

  it('sends as many packets as its calls have', async () => {
    const relay = await startRelay();
    // A life at its true pace: nobody begins or ends a call within the test.
    const { scenario, faults } = supernode(relay.url, { audio: '67x33', compression: 1, presence: 'none' });
    await scenario.connect();
    const { operations, callsUp, elapsedMs } = await scenario.run(steady, () => {});
    expect(callsUp).toBe(4);
    const expected = (callsUp * 2 * 33 * elapsedMs) / 1000;
    expect(Math.abs(operations.audio.due! - expected)).toBeLessThanOrEqual(2 * callsUp + 1);
    expect(operations['look-up'].done + operations.presence.done).toBe(0);
    await scenario.stop();
    expect(faults).toEqual([]);
  });

  it('goes on between two runs', async () => {
    const relay = await startRelay();
    const { scenario, faults } = supernode(relay.url, { compression: 100, presence: 'none', peers: 20 });
    await scenario.connect();
    const first = await scenario.run({ ...steady, measureMs: 200 }, () => {});
    const second = await scenario.run({ ...steady, measureMs: 200 }, () => {});
    expect(first.operations.audio.done).toBeGreaterThan(0);
    expect(second.operations.audio.done).toBeGreaterThan(0);
    await scenario.stop();
    expect(faults).toEqual([]);
  });

  it('fails when one packet of a call is lost', async () => {
    const relay = await startRelay();
    let toSwallow = 0;
    const url = await tamperingProxy(relay.url, (bytes) => (toSwallow > 0 && toSwallow-- ? null : bytes));
    const { scenario, faults } = supernode(url, calm);
    await scenario.connect();
    const result = await scenario.run(steady, () => {
      toSwallow = 1;
    });
    expect(result.operations.audio.lost + result.operations.video.lost).toBeGreaterThan(0);
    await scenario.stop();
    expect(faults[0]).toMatchObject({ fault: 'lost' });
  });

  it('fails when one byte is changed', async () => {
    const relay = await startRelay();
    let tampering = false;
    const url = await tamperingProxy(relay.url, (bytes) => {
      if (tampering) bytes[bytes.length - 1]! ^= 0x40;
      tampering = false;
      return bytes;
    });
    const { scenario, faults } = supernode(url, calm);
    await scenario.connect();
    await scenario.run(steady, () => {
      tampering = true;
    });
    expect(faults[0]).toMatchObject({ fault: 'corrupted' });
  });

  it('is broken when the relay is killed', async () => {
    const relay = await killableRelay();
    const { scenario, faults } = supernode(relay.url, { peers: 20, compression: 60 });
    await scenario.connect();
    const run = scenario.run({ ...steady, measureMs: 300 }, () => relay.kill());
    await until('the fault is reported', () => faults.length > 0);
    expect(faults[0]).toMatchObject({ fault: 'broken' });
    scenario.abandon();
    await run;
  });
});
