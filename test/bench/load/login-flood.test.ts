import { generateIdentity } from 'supernode';
import { describe, expect, it } from 'vitest';
import type { LoadFault } from '../../../bench/load/fault.ts';
import { LoginFlood } from '../../../bench/load/login-flood.ts';
import { startBareRelay } from '../../fixtures/relay.ts';
import { until } from '../../fixtures/until.ts';

describe('a flood of logins', () => {
  it('logs in by signature, by ticket, and by ticket in the request, with no refusal', async () => {
    const relay = await startBareRelay();
    const faults: LoadFault[] = [];
    const flood = new LoginFlood(relay.url, 12, (fault) => faults.push(fault));
    for (const proof of ['signature', 'ticket', 'early'] as const) {
      flood.reset();
      flood.begin(4, proof);
      await until('40 have logged in', () => flood.counts.done >= 40);
      await flood.stop();
      expect(flood.counts.refused).toEqual({});
    }
    const { logins } = relay.stats();
    expect(logins.resumed).toBeGreaterThanOrEqual(80);
    expect(logins.early).toBeGreaterThanOrEqual(40);
    expect(logins.earlyGreeted).toBe(0);
    expect(logins.full).toBeGreaterThanOrEqual(40);
    expect(faults).toEqual([]);
  });

  it('comes once and stays, and logs in after hello where its ticket in the request is not taken', async () => {
    const identity = generateIdentity();
    const before = await startBareRelay({ identity });
    const flood = new LoginFlood(before.url, 30, () => {});
    await flood.comeAll(4, 'early');
    expect(flood.counts).toEqual({ done: 30, refused: {} });
    expect(before.stats()).toMatchObject({ sessions: 30, logins: { full: 30 } });
    flood.leave();
    const { port } = before;
    await before.close();
    const relay = await startBareRelay({ identity, port });
    await flood.comeAll(4, 'early');
    expect(relay.stats()).toMatchObject({
      sessions: 30,
      logins: { resumed: 30, early: 0, earlyGreeted: 30 },
    });
    flood.leave();
    await flood.comeAll(4, 'early');
    expect(relay.stats()).toMatchObject({ logins: { resumed: 60, early: 30 } });
    flood.abandon();
  });

  it('sends the proofs of a wave together: every one is answered, and everybody leaves', async () => {
    const relay = await startBareRelay();
    const flood = new LoginFlood(relay.url, 50, () => {});
    expect(await flood.wave(50, 100_000)).toBeGreaterThan(0);
    expect(flood.counts).toEqual({ done: 50, refused: {} });
    await until('all have left', () => relay.stats().sessions === 0);
  });

  it('counts those whom the relay refuses, by its code', async () => {
    const relay = await startBareRelay({ maxPeers: 2 });
    const flood = new LoginFlood(relay.url, 8, () => {});
    flood.begin(8, 'signature');
    await until('one was refused', () => (flood.counts.refused['relay-full'] ?? 0) > 0);
    await flood.stop();
  });
});
