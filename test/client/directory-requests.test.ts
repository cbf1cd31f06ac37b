import { describe, expect, it } from 'vitest';
import { MAX_REQUESTS_WAITING } from '../../core/client/directory/requests.ts';
import type { SupernodeError } from '../../core/protocol/errors.ts';
import { MAX_REQUESTS_PENDING } from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { limit } from '../fixtures/limits.ts';
import { startWorld } from './directory-peers.ts';
import { join as joinRelay, startRelay } from './peers.ts';

describe('requests to the directory', () => {
  it('fail with connection-lost when the connection ends, with not-open and peer-closed without one', async () => {
    const { relay, directory, join } = await startWorld();
    const alice = await join({ reconnect: { baseMs: 60_000, capMs: 60_000 } });
    directory.meddle = () => null;
    const waiting = alice.lookup('alice');
    await relay.until(() => directory.requests.length === 1);
    relay.cutAll();
    await expect(waiting).rejects.toMatchObject({ code: 'connection-lost' });
    await expect(alice.lookup('alice')).rejects.toMatchObject({ code: 'not-open' });
    await alice.close();
    await expect(alice.lookup('alice')).rejects.toMatchObject({ code: 'peer-closed' });
  });

  it('go 64 at a time; the others wait for their turn, and all are answered', async () => {
    const { relay, directory, join } = await startWorld();
    const alice = await join();
    directory.meddle = () => null;
    const all = Array.from({ length: 200 }, () => alice.lookup(alice.id));
    await relay.until(() => directory.requests.length === 64);
    directory.meddle = () => undefined;
    for (const { requestId } of [...directory.requests]) {
      relay.sessionOf(alice.id).error('not-found', false, { requestId });
    }
    const found = await Promise.all(all);
    expect(found.filter((result) => result === null)).toHaveLength(64);
    expect(new Set(directory.requests.map(({ requestId }) => requestId)).size).toBe(200);
  });

  it('wait in a bounded number, and more are refused', async () => {
    const { relay, directory, join } = await startWorld();
    const alice = await join();
    directory.meddle = () => null;
    const asked = Array.from({ length: MAX_REQUESTS_PENDING + MAX_REQUESTS_WAITING }, () =>
      alice.lookup(alice.id).catch((error: SupernodeError) => error),
    );
    await relay.until(() => directory.requests.length === MAX_REQUESTS_PENDING);
    const refused = await alice.lookup(alice.id).catch((error: SupernodeError) => error);
    limit('requests of the directory under way; waiting').sees({
      answers: [(refused as SupernodeError).code],
    });
    await alice.close();
    const codes = (await Promise.all(asked)).map((error) => (error as SupernodeError).code);
    expect(new Set(codes)).toEqual(new Set(['peer-closed']));
  });

  it('share their ids with opens, so that no answer goes astray', async () => {
    const { directory, join } = await startWorld();
    const [alice, bob] = await Promise.all([join(), join({ onchannel: () => {} })]);
    const work = Array.from({ length: 40 }, (_, i) =>
      i % 2 === 0
        ? alice.lookup(bob.id).then((found) => found?.id)
        : alice.open(bob.id).then(({ peer }) => peer),
    );
    expect(new Set(await Promise.all(work))).toEqual(new Set([bob.id]));
    expect(directory.requests).toHaveLength(20);
  });

  it('end the connection when the relay answers with another op, or what was not asked', async () => {
    const { relay, directory, join } = await startWorld();
    for (const answer of ['other op', 'unasked'] as const) {
      const alice = await join({ reconnect: false });
      directory.meddle = () => (answer === 'other op' ? { op: op.OP_STORED, body: { revision: 1 } } : null);
      const closed = new Promise<unknown>((resolve) =>
        alice.addEventListener('closed', ({ error }) => resolve(error)),
      );
      const waiting = alice.lookup('alice').catch((error: unknown) => error);
      if (answer === 'unasked') {
        relay.sessionOf(alice.id).control(op.OP_STORED, 77, { revision: 1 });
      }
      expect(await closed).toMatchObject({ code: 'bad-relay' });
      expect(await waiting).toMatchObject({ code: 'connection-lost' });
    }
  });

  it('are refused by a relay without a directory', async () => {
    const directory = {
      take: (
        ...[, session, frame]: [unknown, { error(...args: unknown[]): void }, { requestId: number }]
      ) => {
        session.error('no-directory', false, { requestId: frame.requestId });
        return true;
      },
    };
    const alice = await joinRelay(await startRelay({ directory: directory as never }));
    await expect(alice.publish({})).rejects.toMatchObject({ name: 'RelayError', code: 'no-directory' });
    await expect(alice.contacts.list()).rejects.toMatchObject({ code: 'no-directory' });
    await expect(alice.messages[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'no-directory',
    });
  });
});
