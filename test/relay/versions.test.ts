import { generateIdentity } from 'supernode';
import { connect } from 'supernode/client';
import { describe, expect, test } from 'vitest';
import { VersionRules } from '../../core/overload/version-rules.ts';
import * as op from '../../core/protocol/ops.ts';
import { limit } from '../fixtures/limits.ts';
import { RawPeer } from '../fixtures/raw-peer.ts';
import { dial, reasonsOf, startBareRelay } from '../fixtures/relay.ts';
import { until } from '../fixtures/until.ts';

type Relay = Awaited<ReturnType<typeof startBareRelay>>;

async function loginAs(relay: Relay, client: string, options = {}): Promise<RawPeer> {
  const peer = await dial(relay, options);
  peer.sendLogin(client);
  peer.ready = (await peer.next(op.OP_READY)).body;
  return peer;
}

describe('versions that the operator refuses', () => {
  test('get version-refused at login and resume, and the ledger says so; others get in', async () => {
    const identity = generateIdentity();
    const before = await startBareRelay({ identity });
    const old = await loginAs(before, 'bad/1.2');
    const ticket = old.ready!;
    await before.close();
    const relay = await startBareRelay({ identity, shards: 2, versions: { refuse: ['worse/1', 'bad/*'] } });
    const back = await dial(relay, { key: old.key });
    back.sendResume(ticket, 'bad/1.2');
    expect((await back.ended).error).toMatchObject({ code: 'version-refused', fatal: true });
    const fresh = await dial(relay);
    fresh.sendLogin('worse/1');
    const { error } = await fresh.ended;
    expect(error).toMatchObject({ code: 'version-refused', message: expect.stringContaining('"worse/1"') });
    expect(error).not.toHaveProperty('retryAfterMs');
    await loginAs(relay, 'worse/1.1');
    expect(relay.stats()).toMatchObject({ sessions: 1, logins: { refused: 2, version: 2 } });
    const { items } = await relay.why(fresh.id);
    expect(items).toMatchObject([{ claimed: true }]);
    limit('client versions').sees({
      answers: [error?.code],
      stats: relay.stats(),
      why: items.map(({ reason }) => reason),
    });
  });

  test('do not come back by themselves', async () => {
    const relay = await startBareRelay({ versions: { refuse: ['mine/*'] } });
    await expect(connect(relay.url, { client: 'mine/3' })).rejects.toMatchObject({ code: 'version-refused' });
  });
});

test('a pattern is a whole version, or the beginning of one', () => {
  const rules = new VersionRules(['a/1', 'b/*', '*c']);
  expect(['a/1', 'b/', 'b/9', '*c'].map((version) => rules.refuses(version))).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(['', 'a/1.0', 'a/', 'b', 'c'].map((version) => rules.refuses(version))).toEqual(
    Array(5).fill(false),
  );
  expect(new VersionRules(['*']).refuses('')).toBe(true);
});

test('a version that crashes is told of, and with the policy its peers wait before each login, and get in', async () => {
  const relay = await startBareRelay({ shards: 2, versions: { quarantine: 'delay', delayMs: 1_000 } });
  const warnings: { code: string; message: string }[] = [];
  relay.on('warning', (warning) => warnings.push(warning));
  const reasons: string[] = [];
  relay.on('gone', ({ reason }) => reasons.push(reason));
  const crowd = async (client: string): Promise<RawPeer[]> => {
    const peers: RawPeer[] = [];
    for (let i = 0; i < 55; i++) peers.push(await loginAs(relay, client));
    return peers;
  };
  const good = await crowd('good/1');
  const bad = await crowd('bad/1');
  for (const peer of good.slice(0, 10)) peer.socket.close();
  for (const peer of bad.slice(0, 30)) peer.terminate();
  await until('all have gone', () => reasons.length === 40);
  expect(reasons.filter((reason) => reason === 'lost')).toHaveLength(30);
  expect(reasons.filter((reason) => reason === 'left')).toHaveLength(10);
  await until('the operator was told', () => warnings.length > 0);
  expect(warnings).toEqual([
    { code: 'version-suspect', message: expect.stringMatching(/"bad\/1".* 30 of 55 sessions were lost/) },
  ]);
  expect(relay.stats().versions).toMatchObject({
    suspects: [{ version: 'bad/1', measure: 'lost', events: 30, trials: 55 }],
    delayed: 0,
  });
  // Both ways of coming back wait, and each is let in after its wait.
  const [key, ticket] = [bad[0]!.key, bad[0]!.ready!];
  const early = await dial(relay, { key });
  early.sendResume(ticket, 'bad/1');
  const { error } = await early.ended;
  expect(error).toMatchObject({ code: 'busy', fatal: true });
  expect(error!.retryAfterMs).toBeGreaterThanOrEqual(500);
  expect(error!.retryAfterMs).toBeLessThanOrEqual(1_500);
  const fresh = await dial(relay);
  fresh.sendLogin('bad/1');
  const refused = (await fresh.ended).error;
  expect(refused?.code).toBe('busy');
  const dueAtMs = performance.now() + Math.max(error!.retryAfterMs!, refused!.retryAfterMs!);
  await loginAs(relay, 'good/1');
  await until('the waits that they were told are over', () => performance.now() > dueAtMs);
  const late = await dial(relay, { key });
  late.sendResume(ticket, 'bad/1');
  const lateReady = (await late.next(op.OP_READY)).body;
  expect(lateReady.resumed).toBe(true);
  // Ready before this login is: it follows as fast as can be, and its login waits again.
  const again = await dial(relay, { key: fresh.key });
  await loginAs(relay, 'bad/1', { key: fresh.key });
  again.sendLogin('bad/1');
  expect((await again.ended).error?.code).toBe('busy');
  expect(relay.stats().versions.delayed).toBe(3);
  const atOnce = { key, relay: late.hello.relay, ageMs: 0, client: 'bad/1' };
  expect((await RawPeer.early(relay.url, lateReady, atOnce).ended).error?.code).toBe('busy');
  expect(relay.stats().versions.delayed).toBe(4);
  limit("a suspect version's logins").sees({
    answers: [error?.code, refused?.code],
    stats: relay.stats(),
    why: await reasonsOf(relay, fresh),
    warnings: warnings.map(({ code }) => code),
  });
  expect(relay.stats().faults).toBe(0);
});
