import type { Relay } from 'supernode';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { LOGIN_INTERVAL_MS } from '../../core/overload/admission.ts';
import { MAX_LOGINS_PENDING } from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { LoginDesk, type LoginDeskHost } from '../../core/relay/login-desk.ts';
import type { LoginProof, ProofAnswer, Verdict } from '../../core/threads/messages.ts';
import { limit } from '../fixtures/limits.ts';
import { newKey, type RawKey, type RawPeer } from '../fixtures/raw-peer.ts';
import { dial, login, reasonsOf, startBareRelay } from '../fixtures/relay.ts';
import { until } from '../fixtures/until.ts';

interface Refusal {
  peer: RawPeer;
  code: unknown;
}

/** Logs in, and comes back when it is told to. @returns attempts. */
async function obey(relay: Relay, key: RawKey, refusals: Refusal[]): Promise<number> {
  for (let attempts = 1; ; attempts++) {
    const peer = await dial(relay, { key });
    peer.sendLogin();
    const ready = await Promise.race([peer.next(op.OP_READY).catch(() => null), peer.ended.then(() => null)]);
    if (ready) return attempts;
    const { error } = await peer.ended;
    refusals.push({ peer, code: error?.code });
    expect(error!.message).toContain('come back in your turn');
    await new Promise((resolve) => setTimeout(resolve, error!.retryAfterMs!));
  }
}

describe('a relay that takes so many logins per second', () => {
  test('tells the others when to come back, lets them in when they do, and says so', async () => {
    const relay = await startBareRelay({ admission: { maxLoginsPerSec: 60 } });
    const warnings: string[] = [];
    relay.on('warning', ({ code, message }) => warnings.push(`${code}: ${message}`));
    const refusals: Refusal[] = [];
    const startedAt = performance.now();
    const attempts = await Promise.all(Array.from({ length: 180 }, () => obey(relay, newKey(), refusals)));
    // No faster than it may: 6 at once, then 60 a second.
    expect(performance.now() - startedAt).toBeGreaterThan(((180 - 6) / 60) * 1_000 * 0.95);
    expect(attempts.some((count) => count > 1)).toBe(true);
    // Those who came when they were told to were not refused again; a few on a machine that stalls may be.
    expect(attempts.filter((count) => count > 2).length).toBeLessThan(30);
    const { admission, logins, sessions } = relay.stats();
    expect(sessions).toBe(180);
    expect(admission.perSec).toBe(60);
    expect(admission.refused).toBe(attempts.reduce((sum, count) => sum + count - 1, 0));
    expect(logins.refused).toBe(admission.refused);
    expect(admission).toMatchObject({ pending: 0, turns: 0 });
    expect(warnings.filter((line) => line.startsWith('logins-refused: '))).toHaveLength(1);
    expect(warnings[0]).toContain('60 per second');
    limit('logins per second').sees({
      answers: refusals.map(({ code }) => code),
      stats: relay.stats(),
      why: await reasonsOf(relay, refusals[0]!.peer),
      warnings: warnings.map((line) => line.split(':')[0]!),
    });
  });

  test('still lets peers resume: that costs no signature', async () => {
    const relay = await startBareRelay({ admission: { maxLoginsPerSec: 1 } });
    const key = newKey();
    const first = await login(relay, { key });
    // The one login of this second is taken: a full one would wait.
    for (let k = 0; k < 20; k++) {
      const peer = await dial(relay, { key });
      expect((await peer.resume(first.ready!)).resumed).toBe(true);
    }
    expect(relay.stats().admission.refused).toBe(0);
  });
});

const proof = (slot: number, resumed = false): LoginProof => ({
  slot,
  generation: 1,
  peer: new Uint8Array(32).fill(slot),
  nonce: new Uint8Array(32),
  signature: new Uint8Array(64),
  client: 'test',
  ip: '',
  resumed,
});

/** Until the test ends: however long it takes to offer thousands, none of them has waited meanwhile. */
function stopClock(): void {
  vi.spyOn(performance, 'now').mockReturnValue(performance.now());
  onTestFinished(() => {
    vi.restoreAllMocks();
  });
}

class DeskWorld {
  readonly verdicts: Verdict[] = [];
  readonly warnings: string[] = [];
  /** Batches that the pool has and did not answer yet. */
  readonly checking: { slots: number[]; answer(): void }[] = [];
  readonly desk: LoginDesk;

  constructor(host: Partial<LoginDeskHost> = {}) {
    this.desk = new LoginDesk({
      tenants: null,
      isHere: () => false,
      verify: (proofs) =>
        new Promise<ProofAnswer[]>((resolve) => {
          this.checking.push({
            slots: proofs.map(({ slot }) => slot),
            answer: () => resolve(proofs.map(() => ({ ok: true, arrival: null }))),
          });
        }),
      authorize: null,
      authorizeTimeoutMs: 1_000,
      verifiers: 1,
      maxLoginsPerSec: 'measured',
      delayMs: () => 0,
      answer: (_, verdicts) => this.verdicts.push(...verdicts),
      warn: (code) => this.warnings.push(code),
      ...host,
    });
  }
}

describe('the login desk', () => {
  test('takes resumes before full logins', async () => {
    const asked: boolean[] = [];
    const world = new DeskWorld({
      authorize: ({ resumed }) => {
        asked.push(resumed);
        return { allowed: true };
      },
    });
    world.desk.take(0, [proof(1)]);
    world.desk.take(0, [proof(2), proof(3, true)]);
    expect(world.checking.map(({ slots }) => slots)).toEqual([[1]]);
    world.checking[0]!.answer();
    await until('the next ones are taken', () => world.checking.length === 2);
    expect(world.checking[1]!.slots).toEqual([2]);
    expect(asked).toContain(true);
    world.checking[1]!.answer();
    await until('all have their verdicts', () => world.verdicts.length === 3);
    expect(world.verdicts.every(({ refusal }) => refusal === null)).toBe(true);
    expect(world.desk.stats()).toMatchObject({ pending: 0, turns: 0, refused: 0 });
  });

  test('holds no more than it can serve in time, and gives each of the others a turn of its own', () => {
    const world = new DeskWorld();
    stopClock();
    const proofs = Array.from({ length: 20_000 }, (_, k) => {
      const one = proof(k);
      new DataView(one.peer.buffer).setUint32(0, k);
      return one;
    });
    world.desk.take(0, proofs);
    const { pending, perSec, refused, turns, backlogMs } = world.desk.stats();
    // What it is supposed to serve in the time that newcomers may wait.
    expect(pending).toBe(Math.floor((perSec * LOGIN_INTERVAL_MS) / 1_000) + 1);
    expect(refused).toBe(20_000 - pending);
    expect(turns).toBe(refused);
    expect(world.verdicts).toHaveLength(refused);
    const waits = world.verdicts.map(({ refusal }) => refusal!.retryAfterMs!);
    // Evenly: the same as the rate, whatever the order within a few milliseconds.
    expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(backlogMs * 0.15);
    expect(world.warnings).toEqual(['logins-refused']);
  });

  test('holds no more than it has room for, however soon they would be served', () => {
    // Resumes have no turn to wait for, and this program never says whether they may come in.
    const world = new DeskWorld({ authorize: () => new Promise(() => {}) });
    stopClock();
    const resumes = Array.from({ length: MAX_LOGINS_PENDING + 100 }, (_, k) => {
      const one = proof(k, true);
      new DataView(one.peer.buffer).setUint32(0, k);
      return one;
    });
    world.desk.take(0, resumes);
    expect(world.desk.stats()).toMatchObject({ pending: MAX_LOGINS_PENDING, refused: 100 });
    limit('logins waiting for verification').sees({
      answers: world.verdicts.map(({ refusal }) => refusal?.code),
      stats: { admission: world.desk.stats() },
      warnings: world.warnings,
    });
  });

  test.each([
    { fails: 'authorize', host: { authorize: () => Promise.reject(new Error('no')) } },
    { fails: 'verify', host: { verify: () => Promise.reject(new Error('no')) } },
  ])('says of a login for which $fails fails that it was that, and not the load', async ({ fails, host }) => {
    const verify: LoginDeskHost['verify'] = async (all) => all.map(() => ({ ok: true, arrival: null }));
    const world = new DeskWorld({ verify, ...host });
    world.desk.take(0, [proof(1)]);
    await until('it has its verdict', () => world.verdicts.length === 1);
    expect(world.verdicts[0]!.refusal).toMatchObject({ code: 'busy', why: `${fails}-failed` });
    expect(world.warnings).toEqual([`${fails}-failed`]);
    expect(world.desk.stats()).toMatchObject({ pending: 0, refused: 0 });
  });

  describe('with a rate', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    /** What each task has, of so many that come at once, and one more each millisecond. */
    async function tasks(maxLoginsPerSec: number, atOnce: number, forMs: number): Promise<number[]> {
      const sizes: number[] = [];
      const verify: LoginDeskHost['verify'] = async (all) => {
        sizes.push(all.length);
        return all.map(() => ({ ok: true, arrival: null }));
      };
      const { desk } = new DeskWorld({ verify, maxLoginsPerSec });
      const proofs = Array.from({ length: atOnce + forMs }, (_, k) => proof(k));
      desk.take(0, proofs.splice(0, atOnce));
      for (const one of proofs) {
        await vi.advanceTimersByTimeAsync(1);
        desk.take(0, [one]);
      }
      return sizes;
    }

    test('takes together all whose turn came in 20 ms, whoever else comes meanwhile', async () => {
      // A burst of 100 ms of the rate at once.
      expect(await tasks(500, 100, 100)).toEqual([50, 10, 10, 10, 10, 10]);
    });

    test('that is low takes each in its moment: no room is lost', async () => {
      expect(await tasks(25, 10, 400)).toEqual([2, ...Array(10).fill(1)]);
    });
  });

  test('sheds what waited too long even while the pool answers nothing', async () => {
    const world = new DeskWorld();
    world.desk.take(
      0,
      Array.from({ length: 100 }, (_, k) => proof(k)),
    );
    expect(world.checking).toHaveLength(1);
    await until('the others are told to come back', () => world.verdicts.length === 36);
    limit("a login's wait for verification").sees({
      answers: world.verdicts.map(({ refusal }) => refusal?.code),
      stats: { admission: world.desk.stats() },
      warnings: world.warnings,
    });
  });
});
