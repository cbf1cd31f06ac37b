/** Relays that answer, and push, whatever the frames allow. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateIdentity, type Peer } from '../../core/client/node.ts';
import * as op from '../../core/protocol/ops.ts';
import { until } from '../fixtures/until.ts';
import { startWorld } from './directory-peers.ts';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const u53 = fc.maxSafeNat();
const bytes = fc.option(fc.uint8Array({ maxLength: 1236 }), { nil: undefined });
const state = fc.nat({ max: 2 });
const audience = fc.constantFrom('everyone' as const, 'contacts' as const, 'nobody' as const);
const reply = fc.oneof(
  fc.record({
    op: fc.constant(op.OP_FOUND),
    body: fc.record({
      peer: fc.option(key, { nil: undefined }),
      state,
      seenMs: fc.option(u53, { nil: undefined }),
      record: bytes,
    }),
  }),
  fc.record({
    op: fc.constant(op.OP_RESULTS),
    body: fc.record({
      found: fc.array(fc.record({ peer: key, name: fc.constant('x') }), { maxLength: 32 }),
      more: fc.boolean(),
    }),
  }),
  fc.record({ op: fc.constant(op.OP_STORED), body: fc.record({ revision: u53 }) }),
  fc.record({
    op: fc.constant(op.OP_PRESENCE),
    body: fc.record({
      states: fc.array(fc.record({ peer: key, state, seenMs: fc.option(u53, { nil: undefined }) }), {
        maxLength: 32,
      }),
    }),
  }),
  fc.record({ op: fc.constant(op.OP_VAULT), body: fc.record({ revision: u53, vault: bytes }) }),
  fc.record({
    op: fc.constant(op.OP_POLICY),
    body: fc.record({
      visibility: audience,
      reach: audience,
      keys: fc.array(key, { maxLength: 32 }),
      more: fc.boolean(),
    }),
  }),
  fc.record({
    op: fc.constant(op.OP_RECEIPT),
    body: fc.record({
      id: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      state: fc.constantFrom('stored' as const, 'delivered' as const),
    }),
  }),
  fc.constantFrom('not-found', 'internal', 'conflict', 'stale-record', 'a-code-of-later'),
);

const id = generateIdentity().id;
const REQUESTS: ((peer: Peer) => Promise<unknown>)[] = [
  (peer) => peer.publish({ name: 'alice' }),
  (peer) => peer.transfer(id),
  (peer) => peer.lookup('alice'),
  (peer) => peer.lookup(id, { record: false }),
  (peer) => peer.search('alice'),
  (peer) => peer.watch([id]),
  (peer) => peer.contacts.list(),
  (peer) => peer.contacts.add(id),
  (peer) => peer.messages.send(id, 'x'),
  (peer) => peer.policy.get(),
  (peer) => peer.policy.set({ reach: 'contacts' }),
  (peer) => peer.policy.blocked()[Symbol.asyncIterator]().next(),
];

describe('a hostile directory', () => {
  it('gets every request to end, in a result or in an error with a code', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: REQUESTS.length - 1 }),
        fc.array(reply, { minLength: 1, maxLength: 4 }),
        async (request, replies) => {
          const { relay, directory, join } = await startWorld();
          const peer = await join({ reconnect: false });
          let at = 0;
          directory.meddle = (frame) =>
            frame.requestId === 0 ? null : (replies[at++ % replies.length] as never);
          await REQUESTS[request]!(peer).catch((error) => expect(error.code).toMatch(/^[a-z-]+$/));
          await peer.close();
          await relay.close();
        },
      ),
      { numRuns: process.env['SUPERNODE_SOAK'] ? 5000 : 400 },
    );
  });
});

describe('messages of a peer', () => {
  const step = fc.constantFrom('send', 'send', 'send', 'cut', 'fail', 'turn');

  it('are each handled once and in order, whatever fails and however often the connection is lost', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { relay, directory, join } = await startWorld();
        const bob = await join();
        await bob.publish({});
        const [ownKey] = [relay.sessionOf(bob.id).peer!];
        const handled: number[] = [];
        let iterated = bob.messages[Symbol.asyncIterator]();
        let failing = 0;
        const read = async (): Promise<void> => {
          for (;;) {
            const { value, done } = await iterated.next();
            if (done) return;
            await Promise.resolve();
            if (failing > 0) {
              // As a loop does whose body throws.
              failing--;
              await iterated.return?.();
              iterated = bob.messages[Symbol.asyncIterator]();
            } else handled.push(value.data[0]!);
          }
        };
        const reading = read();
        let sent = 0;
        for (const step of steps) {
          if (step === 'send') {
            directory.put(bob.id, {
              from: ownKey,
              id: new Uint8Array(16).fill(sent + 1),
              sentMs: 1,
              bytes: Uint8Array.of(sent++),
            });
          } else if (step === 'cut') relay.cutAll();
          else if (step === 'fail') failing++;
          else await new Promise((resolve) => setImmediate(resolve));
        }
        await until('all were handled', () => handled.length === sent);
        await until('the mailbox is empty', () => {
          return (directory.mailboxes.get(bob.id) ?? []).every((mail) => mail.bytes === undefined);
        });
        await bob.close();
        await reading;
        await relay.close();
        expect(handled).toEqual(Array.from({ length: sent }, (_, i) => i));
      }),
      { numRuns: process.env['SUPERNODE_SOAK'] ? 2000 : 150 },
    );
  });
});
