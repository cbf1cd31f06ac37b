import { describe, expect, it, onTestFinished } from 'vitest';
import { Connection } from '../../core/client/connection.ts';
import { generateIdentity } from '../../core/client/node.ts';
import { nodePlatform } from '../../core/client/platform-node.ts';
import type { SupernodeError } from '../../core/protocol/errors.ts';
import * as op from '../../core/protocol/ops.ts';
import { limit } from '../fixtures/limits.ts';
import { startRelay } from './peers.ts';
import type { ScriptedRelay } from './scripted-relay.ts';

async function logIn(relay: ScriptedRelay, keepAlive: { pingIntervalMs: number; pongTimeoutMs: number }) {
  let ended = (_error: SupernodeError | undefined): void => {};
  const end = new Promise<SupernodeError | undefined>((resolve) => {
    ended = resolve;
  });
  const ready = new Promise<Connection>((resolve) => {
    const connection = new Connection({
      platform: nodePlatform,
      url: relay.url,
      ca: undefined,
      timeoutMs: 10_000,
      keepAlive,
      login: { identity: generateIdentity(), client: 'test', ticket: undefined, early: false },
      owner: {
        ready: () => resolve(connection),
        data: () => {},
        control: () => {},
        beforeFlush: () => {},
        ended,
      },
    });
    onTestFinished(() => connection.close());
  });
  await ready;
  return { end, session: [...relay.sessions][0]! };
}

describe('a connection on which nothing is heard', () => {
  it('asks, and goes on when it is answered', async () => {
    const relay = await startRelay();
    const { session } = await logIn(relay, { pingIntervalMs: 5, pongTimeoutMs: 5_000 });
    const pings = () => session.ops.filter((code) => code === op.OP_PING).length;
    await relay.until(() => pings() === 3);
    expect(relay.sessions.size).toBe(1);
  });

  it('is lost when it is not answered', async () => {
    const relay = await startRelay();
    const { end, session } = await logIn(relay, { pingIntervalMs: 5, pongTimeoutMs: 50 });
    relay.options.silent = true;
    const error = await end;
    expect(error).toMatchObject({ message: expect.stringContaining(relay.url) });
    limit('silence of a relay').sees({ answers: [error?.code] });
    expect(session.ops).toContain(op.OP_PING);
  });

  it('answers the relay when it asks', async () => {
    const relay = await startRelay();
    const { session } = await logIn(relay, { pingIntervalMs: 60_000, pongTimeoutMs: 60_000 });
    session.control(op.OP_PING, 42, {});
    await relay.until(() => session.ops.includes(op.OP_PONG));
    expect(session.ops).toEqual([op.OP_LOGIN, op.OP_PONG]);
  });
});
