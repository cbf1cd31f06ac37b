import { existsSync, readFileSync } from 'node:fs';
import { createRelay, type Relay } from 'supernode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as op from '../../core/protocol/ops.ts';
import { RawPeer } from '../fixtures/raw-peer.ts';

interface Bad {
  description: string;
  before: 'login' | 'ready';
  error?: string;
  fatal?: boolean;
  drop?: 'label' | 'control';
  hex?: string;
  text?: string;
  then?: { byte: string; times: number };
}

const file = new URL('../vectors/bad.json', import.meta.url);
const vectors: Bad[] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];

test('the vectors of what breaks the protocol are here', () => {
  expect(vectors.length).toBeGreaterThan(50);
});

describe.each([1, 2])('a live relay with %i shards answers as test/vectors/bad.json says', (shards) => {
  let relay: Relay;
  beforeAll(async () => {
    relay = await createRelay({ port: 0, shards });
  });
  afterAll(async () => {
    expect(relay.stats()).toMatchObject({ faults: 0 });
    await relay.close();
  });

  test.each(vectors)('$description', async (vector) => {
    const peer = vector.before === 'ready' ? await RawPeer.login(relay.url) : await RawPeer.dial(relay.url);
    const drops = relay.stats().drops;
    if (vector.text !== undefined) peer.socket.send(vector.text);
    else {
      const tail = vector.then ? Buffer.from(vector.then.byte, 'hex') : Buffer.alloc(0);
      const times = vector.then?.times ?? 0;
      peer.send(Buffer.concat([Buffer.from(vector.hex!, 'hex'), Buffer.alloc(times, tail)]));
    }
    if (vector.drop) {
      await peer.roundTrip();
      expect(relay.stats().drops[vector.drop]).toBe(drops[vector.drop] + 1);
      expect([peer.controls, peer.data]).toEqual([[], []]);
    } else if (vector.fatal === false) {
      expect((await peer.next(op.OP_ERROR)).body).toMatchObject({ code: vector.error, fatal: false });
      await peer.roundTrip();
    } else {
      expect((await peer.ended).error).toMatchObject({ code: vector.error, fatal: true });
      // Well-formed frames that came first were answered first.
      if (vector.description.includes('answered first')) expect(peer.controls[0]!.op).toBe(op.OP_PONG);
    }
    peer.terminate();
  });
});
