/** Each reason that the ledger knows, reached: on a real relay where peers can bring it about, else in a shard's parts. */
import { allow, deny, type Relay, type RelayOptions } from 'supernode';
import { describe, expect, test } from 'vitest';
import type { encodeControl } from '../../core/protocol/control.ts';
import type { WireErrorCode } from '../../core/protocol/errors.ts';
import * as limits from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { peerIdOf } from '../../core/protocol/peer-id.ts';
import { WHY_NAMES, type WhyReason } from '../../core/threads/why-reasons.ts';
import { noteRefusal } from '../../workers/shard/refusals.ts';
import { endStream, type RawPeer, REALTIME, RELIABLE, sendOn } from '../fixtures/raw-peer.ts';
import { dial, login, startRelay } from '../fixtures/relay.ts';
import { type FakePeer, ShardWorld } from '../fixtures/shard-world.ts';

interface Expected {
  peer: string;
  other?: string;
  claimed?: boolean;
  count?: number;
}

const onRelay: Partial<Record<WhyReason, { options?: RelayOptions; run(relay: Relay): Promise<Expected> }>> =
  {
    denied: {
      options: { authorize: () => deny('no') },
      run: async (relay) => ({ peer: (await refusedLogin(relay)).id }),
    },
    'login-busy': {
      options: { admission: { maxLoginsPerSec: 1 } },
      run: async (relay) => {
        const refused = await Promise.race(Array.from({ length: 5 }, () => refusedLogin(relay)));
        return { peer: refused.id, claimed: true };
      },
    },
    'authorize-failed': {
      options: { authorize: () => Promise.reject(new Error('my database is down')) },
      run: async (relay) => ({ peer: (await refusedLogin(relay)).id }),
    },
    'login-timeout': {
      options: { loginTimeoutMs: 100, authorize: () => new Promise(() => {}) },
      run: async (relay) => ({ peer: (await refusedLogin(relay)).id, claimed: true }),
    },
    'bad-proof': {
      run: async (relay) => {
        const peer = await dial(relay);
        peer.sendLogin('raw/1', new Uint8Array(64));
        await peer.ended;
        return { peer: peer.id, claimed: true };
      },
    },
    'relay-full': {
      options: { maxPeers: 1 },
      run: async (relay) => {
        await login(relay);
        return { peer: (await refusedLogin(relay)).id };
      },
    },
    'tenant-sessions': {
      options: { authorize: () => ({ ...allow, tenant: 'acme' }), tenants: { acme: { maxSessions: 1 } } },
      run: async (relay) => {
        await login(relay);
        return { peer: (await refusedLogin(relay)).id };
      },
    },
    replaced: {
      run: async (relay) => {
        const peer = await login(relay);
        await login(relay, { key: peer.key });
        await peer.ended;
        return { peer: peer.id };
      },
    },
    disconnected: {
      run: async (relay) => {
        const peer = await login(relay);
        relay.disconnect(peer.id);
        await peer.ended;
        return { peer: peer.id };
      },
    },
    'protocol-error': {
      run: async (relay) => {
        const peer = await login(relay);
        peer.send(Uint8Array.of(0xff));
        await peer.ended;
        return { peer: peer.id };
      },
    },
    'credit-limit': {
      run: async (relay) => {
        const [ann, bob] = [await login(relay), await login(relay)];
        const opens = limits.MAX_SESSION_CREDIT_BYTES / limits.MAX_CHANNEL_CREDIT_BYTES + 1;
        for (let i = 0; i < opens; i++) {
          ann.sendOpen(bob.key.publicKey, { ...RELIABLE, credit: limits.MAX_CHANNEL_CREDIT_BYTES });
        }
        await ann.ended;
        return { peer: ann.id };
      },
    },
    overrun: {
      run: async (relay) => {
        const [ann, bob] = [await login(relay), await login(relay)];
        const [end] = await ann.open(bob, RELIABLE, 50);
        sendOn(end, new Uint8Array(100));
        await ann.closedReason(end.label);
        return { peer: ann.id, other: bob.id };
      },
    },
    'not-reachable': {
      run: async (relay) => {
        const [ann, bob] = [await login(relay), await login(relay)];
        bob.terminate();
        await bob.ended;
        let refused = false;
        while (!refused) {
          const id = ann.sendOpen(bob.key.publicKey);
          refused = (await ann.refused(id)) === 'not-found';
        }
        return { peer: ann.id, other: bob.id };
      },
    },
    'offers-pending': {
      run: async (relay) => {
        const [ann, bob] = [await login(relay), await login(relay)];
        const opens = Array.from({ length: limits.MAX_OFFERS_PENDING + 2 }, () =>
          ann.sendOpen(bob.key.publicKey),
        );
        await ann.refused(opens.at(-1)!);
        return { peer: ann.id, other: bob.id, count: 2 };
      },
    },
    'channel-closed': {
      run: async (relay) => {
        const peer = await login(relay);
        for (let i = 0; i < 3; i++) peer.frame(op.OP_DATA, 0x0010_0001, new Uint8Array(10));
        await peer.roundTrip();
        return { peer: peer.id, count: 3 };
      },
    },
    'wrong-class': {
      run: async (relay) => {
        const [ann, bob] = [await login(relay), await login(relay)];
        const [end] = await ann.open(bob, REALTIME);
        for (let i = 0; i < 4; i++) ann.frame(op.OP_DATA + 3, end.label, new Uint8Array(10));
        await ann.roundTrip();
        return { peer: ann.id, other: bob.id, count: 4 };
      },
    },
    'after-end': {
      run: async (relay) => {
        const [ann, bob] = [await login(relay), await login(relay)];
        const [end] = await ann.open(bob, RELIABLE);
        endStream(end);
        sendOn(end, new Uint8Array(10));
        await ann.roundTrip();
        return { peer: ann.id, other: bob.id };
      },
    },
  };

async function refusedLogin(relay: Relay): Promise<RawPeer> {
  const peer = await dial(relay);
  peer.sendLogin();
  await peer.ended;
  return peer;
}

/** Has the directory refuse a request of ann's. */
function refusedBy(
  code: WireErrorCode,
  ...request: [Parameters<typeof encodeControl>[0], never]
): (world: ShardWorld, ann: FakePeer) => void {
  return (world, ann) => {
    world.request(ann, request[0], 7, request[1]);
    for (const ask of world.asked()) {
      world.answer(ask, { t: ask.ask.t, failed: { code, message: 'no' } } as never);
    }
  };
}
const policy = [op.OP_POLICY_SET, { block: [new Uint8Array(32).fill(1)] } as never] as const;

type InShard = (world: ShardWorld, ann: FakePeer, bob: FakePeer) => void;
const withBob = new Set<WhyReason>([
  'queue-full',
  'expired',
  'ring-full',
  'shard-behind',
  'budget',
  'too-many-channels',
  'no-room-for-channels',
  'other-too-many-channels',
  'offer-timeout',
  'mailbox-full',
  'mail-refused',
  'tenant-channels',
  'relay-channels',
]);
const inShard: Partial<Record<WhyReason, InShard>> = {
  'queue-full': (world, ann, bob) => {
    const call = world.call(ann, bob);
    world.stopReading(bob, call);
    world.speak(call, 20, 60_000);
  },
  expired: (world, ann, bob) => {
    const call = world.call(ann, bob, 1, 100);
    world.stopReading(bob, call);
    world.speak(call, 3, 100);
    // What waits has been there for longer than its life: as if the clock had gone on.
    bob.session.queue!.take(1_000_000, performance.now() + 1_000);
  },
  'ring-full': (world, ann, bob) => {
    const call = world.call(ann, bob);
    world.ends.peerShard[call.end] = 1;
    world.links.sendData = () => false;
    world.speak(call, 2, 100);
  },
  'shard-behind': (world, ann, bob) => {
    const call = world.call(ann, bob, 4);
    for (let k = 0; k < 1_000; k++) world.behind.look(50, 0);
    world.speak(call, 2, 100);
  },
  budget: (world, ann, bob) => {
    const { end } = world.call(ann, bob);
    // The shard's own method has a test with budgets: here is what it notes.
    world.why.noteSent(end, 'budget', 5);
  },
  'too-many-channels': (world, ann, bob) => {
    ann.session.channels = limits.MAX_CHANNELS_PER_SESSION;
    world.request(ann, op.OP_OPEN, 1, { to: bob.key, ...REALTIME });
  },
  'no-room-for-channels': (world, ann, bob) => {
    world.ends.allocate = () => -1;
    world.request(ann, op.OP_OPEN, 1, { to: bob.key, ...REALTIME });
  },
  'other-too-many-channels': (world, ann, bob) => {
    bob.session.channels = limits.MAX_CHANNELS_PER_SESSION;
    world.request(ann, op.OP_OPEN, 1, { to: bob.key, ...REALTIME });
  },
  'offer-timeout': (world, ann, bob) => {
    world.request(ann, op.OP_OPEN, 1, { to: bob.key, ...REALTIME });
    world.channels.expireOffers(performance.now() + limits.OFFER_TIMEOUT_MS + 1_000);
  },
  'slow-reader': ({ why }, { session }) => noteRefusal(why, session, 'slow-reader'),
  overloaded: ({ why }, { session }) => noteRefusal(why, session, 'overloaded'),
  // That the desk says so when it cannot check has a test of its own (admission.test.ts).
  'verify-failed': ({ why }, { session }) => noteRefusal(why, session, 'busy', 'verify-failed'),
  'search-rate': (world, ann) => {
    for (let i = 1; i <= limits.SEARCH_BURST + 1; i++) world.request(ann, op.OP_SEARCH, i, { prefix: 'abc' });
  },
  'write-rate': (world, ann) => {
    const set = { block: [new Uint8Array(32).fill(1)] };
    for (let i = 1; i <= 2 * limits.WRITE_BURST; i++) world.request(ann, op.OP_POLICY_SET, i, set);
  },
  'requests-pending': (world, ann) => {
    for (let i = 1; i <= limits.MAX_REQUESTS_PENDING + 1; i++) world.request(ann, op.OP_VAULT_GET, i, {});
  },
  watches: (world, ann) => {
    const keys = (from: number): Uint8Array[] =>
      Array.from({ length: 32 }, (_, i) =>
        new Uint8Array(32).fill(1).map((b, at) => (at < 2 ? ((from + i) >> (at * 8)) & 0xff : b)),
      );
    for (let from = 0; from <= limits.MAX_WATCHES_PER_SESSION; from += 32) {
      world.request(ann, op.OP_WATCH, from + 1, { peers: keys(from) });
    }
  },
  'directory-busy': refusedBy('busy', ...policy),
  'directory-full': refusedBy('directory-full', ...policy),
  'directory-unavailable': refusedBy('directory-unavailable', ...policy),
  'list-full': refusedBy('list-full', ...policy),
  'mailbox-full': (world, ann, bob) => refusedBy('mailbox-full', op.OP_SEND, mailTo(bob))(world, ann),
  'mail-refused': (world, ann, bob) => refusedBy('refused', op.OP_SEND, mailTo(bob))(world, ann),
};

function mailTo({ key }: FakePeer): never {
  return { to: key, id: new Uint8Array(16), bytes: new Uint8Array(1) } as never;
}

describe('each reason on a relay', () => {
  test.each(Object.keys(onRelay) as WhyReason[])('%s', async (reason) => {
    const { options = {}, run } = onRelay[reason]!;
    const relay = await startRelay({ ...options });
    const { peer, other = null, claimed = false, count } = await run(relay);
    const { items } = await relay.why(peer);
    const item = items.find((one) => one.reason === reason);
    expect(item).toMatchObject({ peer, other, claimed, ...(count === undefined ? {} : { count }) });
    for (const text of [item!.what, item!.limit, item!.advice, item!.doc]) expect(text).toMatch(/\S/);
    if (reason === 'login-timeout') expect(item!.value).toBe('100 ms');
    if (reason === 'relay-full') expect(item!.value).toBe('1');
    if (other !== null) {
      const fromOther = (await relay.why(other, peer)).items.map((one) => one.reason);
      expect(fromOther).toContain(reason);
    }
  });
});

describe('each reason in a shard', () => {
  test.each(Object.keys(inShard) as WhyReason[])('%s', (reason) => {
    const ofDirectory = !withBob.has(reason) || reason.startsWith('mail');
    const world = new ShardWorld(ofDirectory);
    const [ann, bob] = [world.peer(), world.peer()];
    inShard[reason]!(world, ann, bob);
    const entry = world.why.find(ann.key, null).find((one) => one.reason === reason);
    expect(entry && peerIdOf(entry.peer)).toBe(peerIdOf(ann.key));
    expect(entry!.other && peerIdOf(entry!.other)).toBe(withBob.has(reason) ? peerIdOf(bob.key) : null);
    expect(entry!.minutes[0]![1]).toBeGreaterThan(0);
  });
});

test('every reason is reached here, or where budgets and quotas are tested', () => {
  const elsewhere: WhyReason[] = ['tenant-channels', 'relay-channels', 'version-refused', 'version-delayed'];
  const reached = new Set([...Object.keys(onRelay), ...Object.keys(inShard), ...elsewhere]);
  expect(WHY_NAMES.filter((name) => !reached.has(name))).toEqual([]);
});
