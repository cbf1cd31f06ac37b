import { createRelay, generateIdentity, type Relay, type SupernodeError } from 'supernode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_VAULT_CONTENT_BYTES, sealVault } from '../../core/directory/vault.ts';
import { encodeControl } from '../../core/protocol/control.ts';
import * as limits from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { grown, limit, type Seen } from '../fixtures/limits.ts';
import { type RawPeer, REALTIME } from '../fixtures/raw-peer.ts';
import { dial, login } from '../fixtures/relay.ts';
import { until } from '../fixtures/until.ts';

/** What the SDK says of a vault with this much in it. */
function sealingCode(bytes: number): unknown {
  try {
    sealVault(generateIdentity(), 1, new Uint8Array(bytes));
    return undefined;
  } catch (error) {
    return (error as SupernodeError).code;
  }
}

describe('a peer that sends more than a frame may have', () => {
  let relay: Relay;
  beforeAll(async () => {
    relay = await createRelay({ port: 0, shards: 1 });
  });
  afterAll(() => relay.close());

  /** What is seen of a peer that sends this. */
  async function sending(send: (peer: RawPeer) => void, dialled?: RawPeer): Promise<Seen> {
    const before = relay.stats();
    const peer = dialled ?? (await login(relay));
    send(peer);
    const { error } = await peer.ended;
    await until('its session is over', () => relay.stats().sockets === 0);
    return {
      answers: error ? [error.code] : [],
      stats: grown(before, relay.stats()),
      why: (await relay.why(peer.id)).items.map(({ reason }) => reason),
    };
  }
  /** A ping whose body is these bytes of msgpack. */
  const pingWith = (...body: number[]): Uint8Array => Uint8Array.of(0x93, op.OP_PING, 1, ...body);

  test('is told, where it can be, and its connection ends', async () => {
    limit('data frame').sees(
      await sending((peer) =>
        peer.frame(op.OP_DATA + 2, 0x0010_0001, new Uint8Array(limits.MAX_PAYLOAD_BYTES + 1)),
      ),
    );
    limit('bundle').sees(await sending((peer) => peer.send(new Uint8Array(limits.MAX_BUNDLE_BYTES + 1))));
    const ofControl = await sending((peer) =>
      peer.sendOpen(peer.key.publicKey, { ...REALTIME, protocol: 'x'.repeat(limits.MAX_CONTROL_BYTES) }),
    );
    const ofDirectory = await sending((peer) =>
      peer.control(op.OP_VAULT_PUT, 1, { vault: new Uint8Array(limits.MAX_DIRECTORY_FRAME_BYTES) }),
    );
    expect(ofDirectory.answers).toEqual(ofControl.answers);
    limit('control frame').sees(ofControl);
  });

  test('nested deeper or with more entries than it may', async () => {
    // The frame and its body are the first two levels.
    const deep = await sending((peer) =>
      peer.send(pingWith(0x81, 0xa1, 0x61, ...Array(limits.MAX_CONTROL_DEPTH - 2).fill(0x91), 0x90)),
    );
    const entries = Array.from({ length: limits.MAX_CONTROL_ENTRIES + 1 }, (_, i) => [0xa1, i, 0xc0]).flat();
    const wide = await sending((peer) =>
      peer.send(pingWith(0xde, 0, limits.MAX_CONTROL_ENTRIES + 1, ...entries)),
    );
    expect(wide.answers).toEqual(deep.answers);
    limit('nesting in a control frame; entries of a map or array').sees(deep);
    // One less of each passes.
    const peer = await login(relay);
    peer.send(pingWith(0x81, 0xa1, 0x61, ...Array(limits.MAX_CONTROL_DEPTH - 3).fill(0x91), 0x90));
    peer.send(pingWith(0xde, 0, limits.MAX_CONTROL_ENTRIES, ...entries.slice(3)));
    await peer.roundTrip();
    peer.terminate();
    await until('it left', () => relay.stats().sockets === 0);
    const peers = Array.from({ length: limits.MAX_KEYS_PER_FRAME + 1 }, () => new Uint8Array(32));
    limit('keys in a frame of the directory').sees(
      await sending((other) => other.control(op.OP_WATCH, 1, { peers })),
    );
  });

  test('in a field', async () => {
    const protocol = await sending((peer) =>
      peer.sendOpen(peer.key.publicKey, {
        ...REALTIME,
        protocol: 'x'.repeat(limits.MAX_CHANNEL_PROTOCOL_BYTES + 1),
      }),
    );
    // Before a login there is nobody whose it is, and it is a login that was refused.
    const client = await sending(
      (peer) => peer.sendLogin('x'.repeat(limits.MAX_CLIENT_VERSION_BYTES + 1)),
      await dial(relay),
    );
    const ticket = await sending(
      (peer) =>
        peer.sendResume({
          ticket: new Uint8Array(limits.MAX_TICKET_BYTES + 1),
          secret: new Uint8Array(32),
        } as never),
      await dial(relay),
    );
    expect([client.answers, ticket.answers]).toEqual([protocol.answers, protocol.answers]);
    limit("protocol of a channel; client's version; ticket").sees(protocol, client, ticket);
    const vault = await sending((peer) =>
      peer.control(op.OP_VAULT_PUT, 1, { vault: new Uint8Array(limits.MAX_VAULT_BYTES + 1) }),
    );
    limit('vault').sees(vault, { answers: [sealingCode(MAX_VAULT_CONTENT_BYTES + 1)] });
    expect(sealingCode(MAX_VAULT_CONTENT_BYTES)).toBeUndefined();
    const mail = { to: new Uint8Array(32), id: new Uint8Array(16), bytes: new Uint8Array(1) };
    limit('message').sees(
      await sending((peer) =>
        peer.control(op.OP_SEND, 1, { ...mail, bytes: new Uint8Array(limits.MAX_MESSAGE_BYTES + 1) }),
      ),
    );
    const long = encodeControl(op.OP_SEND, 1, { ...mail, lifeMs: limits.MAX_MESSAGE_LIFE_MS + 1 });
    limit('life of a message').sees(await sending((peer) => peer.send(long)));
  });
});
