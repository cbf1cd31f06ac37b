import { allow, deny, type Login, type RelayOptions } from 'supernode';
import { describe, expect, test } from 'vitest';
import { limit } from '../fixtures/limits.ts';
import { newKey } from '../fixtures/raw-peer.ts';
import { dial, login, reasonsOf, startBareRelay } from '../fixtures/relay.ts';
import { until } from '../fixtures/until.ts';

type Authorize = NonNullable<RelayOptions['authorize']>;

describe.each([1, 2])('authorize, with %i shards', (shards) => {
  test('is asked for each login and resume with who, what and from where, and lets in', async () => {
    const asked: Login[] = [];
    const relay = await startBareRelay({
      shards,
      authorize: async (who) => {
        asked.push(who);
        await new Promise((resolve) => setImmediate(resolve));
        return allow;
      },
    });
    const key = newKey();
    const peer = await login(relay, { key });
    const again = await dial(relay, { key });
    await again.resume(peer.ready!);
    const common = { peer: peer.id, client: 'raw/1', ip: '127.0.0.1' };
    expect(asked).toEqual([
      { ...common, resumed: false },
      { ...common, resumed: true },
    ]);
  });

  test('is not asked for a login whose proof does not hold', async () => {
    let asked = 0;
    const relay = await startBareRelay({
      shards,
      authorize: () => {
        asked++;
        return allow;
      },
    });
    const peer = await dial(relay);
    peer.sendLogin('raw/1', new Uint8Array(64));
    expect((await peer.ended).error?.code).toBe('bad-proof');
    expect(asked).toBe(0);
  });

  test('keeps out with its reason, and a ticket does not get around it', async () => {
    let open = true;
    const relay = await startBareRelay({
      shards,
      authorize: () => (open ? allow : deny('closed on Sundays')),
    });
    const peer = await login(relay);
    open = false;
    const again = await dial(relay, { key: peer.key });
    again.sendResume(peer.ready!);
    expect((await again.ended).error).toMatchObject({
      code: 'denied',
      message: 'closed on Sundays',
      fatal: true,
    });
    // A session that is here stays: to end it is what disconnect is for.
    await peer.roundTrip();
    expect(relay.stats()).toMatchObject({ sessions: 1, logins: { full: 1, resumed: 0, refused: 1 } });
  });
});

describe('authorize fails closed', () => {
  const garbage: [string, unknown][] = [
    ['true', true],
    ['nothing', undefined],
    ['null', null],
    ['a text', 'allow'],
    ['an empty object', {}],
    ['allowed: 1', { allowed: 1 }],
    ['allowed: "true"', { allowed: 'true' }],
    ['the function allow would be', () => allow],
  ];
  test.each(garbage)('when it answers %s', async (_name, answer) => {
    const warnings: string[] = [];
    const relay = await startBareRelay({ authorize: (() => answer) as unknown as Authorize });
    relay.on('warning', ({ code }) => warnings.push(code));
    const peer = await dial(relay);
    peer.sendLogin();
    expect((await peer.ended).error).toMatchObject({ code: 'denied', fatal: true });
    expect(warnings).toEqual(['authorize-answer']);
    expect(relay.stats().sessions).toBe(0);
  });

  const failures: [string, Authorize][] = [
    [
      'throws',
      () => {
        throw new Error('the database is down');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the database is down'))],
    ['rejects with nothing', () => Promise.reject()],
    ['throws a text', () => Promise.reject('no')],
    ['never answers', () => new Promise(() => {})],
    [
      'answers with a reason that cannot be read',
      () =>
        ({
          allowed: false,
          reason: {
            toString: () => {
              throw new Error('unreadable');
            },
          },
        }) as never,
    ],
  ];
  test.each(failures)('when it %s', async (_name, authorize) => {
    const warnings: string[] = [];
    const relay = await startBareRelay({ authorize, authorizeTimeoutMs: 50 });
    relay.on('warning', ({ code }) => warnings.push(code));
    const peer = await dial(relay);
    peer.sendLogin();
    const { error } = await peer.ended;
    expect(error!.retryAfterMs).toBeGreaterThan(0);
    expect(warnings).toEqual(['authorize-failed']);
    limit('authorize').sees({
      answers: [error?.code],
      stats: relay.stats(),
      why: await reasonsOf(relay, peer),
      warnings,
    });
    expect(relay.stats()).toMatchObject({ sessions: 0, sockets: 0, faults: 0 });
  });

  test('when its answer comes after its time, and after the peer has left', async () => {
    const answers: (() => void)[] = [];
    const relay = await startBareRelay({
      authorizeTimeoutMs: 60_000,
      loginTimeoutMs: 100,
      authorize: () => new Promise((resolve) => answers.push(() => resolve(allow))),
    });
    const late = await dial(relay);
    late.sendLogin();
    limit('from upgrade to login').sees({
      answers: [(await late.ended).error?.code],
      stats: relay.stats(),
      why: await reasonsOf(relay, late),
    });
    const gone = await dial(relay);
    gone.sendLogin();
    await until('it was asked', () => answers.length === 2);
    gone.terminate();
    await until('it left', () => relay.stats().sockets === 0);
    for (const answer of answers) answer();
    const third = await dial(relay);
    third.sendLogin();
    await until('it was asked again', () => answers.length === 3);
    answers[2]!();
    await until('the third is in', () => relay.stats().sessions === 1);
    expect(relay.stats()).toMatchObject({ sockets: 1, faults: 0, logins: { full: 1 } });
  });

  test('with a long reason, cut to what a frame takes', async () => {
    const relay = await startBareRelay({ authorize: () => deny('𝄞'.repeat(5_000)) });
    const peer = await dial(relay);
    peer.sendLogin();
    const { error } = await peer.ended;
    expect(error?.code).toBe('denied');
    expect(error!.message.length).toBeGreaterThan(50);
  });
});

test('events tell who came and who went, and why', async () => {
  const relay = await startBareRelay({ shards: 2 });
  const events: string[] = [];
  relay.on('peer', ({ id }) => events.push(`+${id}`));
  relay.on('gone', ({ id, reason }) => events.push(`-${id} ${reason}`));
  const a = await login(relay);
  await until('a was told of', () => events.length === 1);
  const b = await login(relay);
  await until('b was told of', () => events.length === 2);
  a.terminate();
  await until('a has left', () => events.length === 3);
  relay.disconnect(b.id.toUpperCase());
  await b.ended;
  await until('b has left', () => events.length === 4);
  expect(events).toEqual([`+${a.id}`, `+${b.id}`, `-${a.id} lost`, `-${b.id} disconnected`]);
  const c = await dial(relay);
  c.send(Uint8Array.of(0));
  await c.ended;
  const d = await login(relay);
  await until('d was told of', () => events.length === 5);
  d.send(Uint8Array.of(0));
  await d.ended;
  await until('d has left', () => events.length === 6);
  expect(events.slice(4)).toEqual([`+${d.id}`, `-${d.id} bad-frame`]);
  expect(relay.stats()).toMatchObject({ protocolErrors: 1, sessions: 0, sockets: 0 });
});

test('a listener that throws costs a process warning, not the relay', async () => {
  const relay = await startBareRelay();
  const warned: string[] = [];
  const hear = (warning: Error): number => warned.push(warning.message);
  process.on('warning', hear);
  for (const event of ['peer', 'gone', 'warning'] as const) {
    relay.on(event, () => {
      throw new Error(`thrown by ${event}`);
    });
  }
  const peer = await login(relay);
  peer.terminate();
  await until('both were warned of', () => warned.length === 2);
  process.off('warning', hear);
  expect(warned[0]).toContain('thrown by peer');
  expect(warned[1]).toContain('thrown by gone');
  const next = await login(relay);
  await next.roundTrip();
});
