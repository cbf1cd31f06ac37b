/** A relay that breaks the protocol: the connection ends with bad-relay, and the client does not come back to it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connect, type Peer } from '../../core/client/node.ts';
import { encodeControl } from '../../core/protocol/control.ts';
import { MAX_BUNDLE_BYTES } from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { join, next, openPair, startRelay } from './peers.ts';
import type { ScriptedSession } from './scripted-relay.ts';

function closedCode(peer: Peer): Promise<string | undefined> {
  return next<Event & { error?: { code: string } }>(peer, 'closed').then(({ error }) => error?.code);
}

const label = 77;
const faults: [string, (session: ScriptedSession) => void][] = [
  ['bytes that are no frame', ({ socket }) => socket.send(Uint8Array.of(1, 2, 3))],
  [
    'a truncated data frame',
    ({ socket }) => socket.send(Uint8Array.of(0x93, op.OP_DATA, 0xce, 0, 0, 0, 1, 0xc4, 9)),
  ],
  [
    'a control frame with a wrong body',
    ({ socket }) => socket.send(Uint8Array.of(0x93, op.OP_CREDIT, 0, 0x80)),
  ],
  ['an op that there is not', ({ socket }) => socket.send(Uint8Array.of(0x93, 0x7f, 0, 0x80))],
  ['a text message', ({ socket }) => socket.send('hello')],
  ['a message that is too large', ({ socket }) => socket.send(new Uint8Array(MAX_BUNDLE_BYTES + 1))],
  [
    'a second hello',
    (session) =>
      session.control(op.OP_HELLO, 0, {
        relay: new Uint8Array(32),
        nonce: new Uint8Array(32),
        loginTimeoutMs: 1,
      }),
  ],
  ['a frame that is for relays', (session) => session.control(op.OP_CLOSE, 0, { label })],
  ['an answer to nothing', (session) => session.control(op.OP_OPENED, 99, { label, credit: 0 })],
  [
    'the same offer twice',
    (session) => {
      const body = {
        label,
        from: new Uint8Array(32),
        reliable: false,
        priority: 0,
        lifeMs: 1,
        credit: 0,
        protocol: '',
      };
      session.control(op.OP_OFFER, 0, body);
      session.control(op.OP_OFFER, 0, body);
    },
  ],
];

describe('a relay that sends', () => {
  it.each(faults)('%s is left, for good', async (_what, send) => {
    const relay = await startRelay();
    const peer = await join(relay, {
      reconnect: { baseMs: 1 },
      onoffer: () => new Promise<boolean>(() => {}),
    });
    const code = closedCode(peer);
    send(relay.sessionOf(peer.id));
    expect(await code).toBe('bad-relay');
    expect(peer.state).toBe('closed');
    expect(relay.history).toHaveLength(1);
  });

  it('more than a reliable channel granted is left', async () => {
    const { relay, callee, far } = await openPair({ reliable: true });
    const code = closedCode(callee);
    const session = relay.sessionOf(callee.id);
    for (let i = 0; i < 20; i++) session.data(op.OP_DATA + 2, far.label, new Uint8Array(60_000));
    expect(await code).toBe('bad-relay');
    expect(await far.closed).toBe('connection-lost');
  });

  it('data before ready is not connected to', async () => {
    const relay = await startRelay({ silent: true });
    const connecting = connect(relay.url);
    await relay.until(() => relay.history.length === 1);
    const session = relay.history[0]!;
    relay.hello(session);
    session.data(op.OP_DATA, 1, new Uint8Array(1));
    await expect(connecting).rejects.toMatchObject({
      code: 'bad-relay',
      message: expect.stringContaining(relay.url),
    });
  });

  it('ready for another peer is not connected to', async () => {
    const relay = await startRelay({ silent: true });
    const connecting = connect(relay.url);
    await relay.until(() => relay.history.length === 1);
    const session = relay.history[0]!;
    relay.hello(session);
    relay.ready(session, new Uint8Array(32).fill(5));
    await expect(connecting).rejects.toMatchObject({ code: 'bad-relay' });
  });

  it('frames of labels that are not in use is not minded', async () => {
    const { relay, caller, near, far } = await openPair();
    const session = relay.sessionOf(caller.id);
    session.data(op.OP_DATA, 4_000_000_000, new Uint8Array(10));
    session.control(op.OP_CREDIT, 0, { label: 4_000_000_000, bytes: 10 });
    session.control(op.OP_CLOSED, 0, { label: 4_000_000_000, reason: 'closed' });
    far.send('still here');
    const { value } = await near[Symbol.asyncIterator]().next();
    expect(value).toHaveLength(10);
    expect(caller.state).toBe('open');
  });

  it('anything at all ends in bad-relay, in another error with a code, or does no harm', async () => {
    const relay = await startRelay();
    const frames = [
      encodeControl(op.OP_CREDIT, 0, { label: 1, bytes: 100 }),
      encodeControl(op.OP_CLOSED, 0, { label: 1, reason: 'closed' }),
      encodeControl(op.OP_MOVING, 0, { leaveInMs: 1, retryAfterMs: 1 }),
      encodeControl(op.OP_ERROR, 1, { code: 'internal', message: 'x', fatal: false }),
    ];
    const mutated = fc
      .tuple(fc.constantFrom(...frames), fc.nat(100), fc.nat(255))
      .map(([frame, at, byte]) => {
        const copy = frame.slice();
        copy[at % copy.length] = byte;
        return copy;
      });
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, fc.uint8Array({ minLength: 1, maxLength: 200 })), async (bundle) => {
        const peer = await connect(relay.url, { reconnect: false });
        const closed = closedCode(peer);
        const session = relay.sessionOf(peer.id);
        const pings = session.ops.length;
        session.socket.send(bundle);
        session.control(op.OP_PING, 5, {});
        const code = await Promise.race([
          closed,
          relay.until(() => session.ops.length > pings).then(() => 'pong'),
        ]);
        expect(code).toBeTypeOf('string');
        await peer.close();
      }),
      { numRuns: 150 },
    );
  });
});
