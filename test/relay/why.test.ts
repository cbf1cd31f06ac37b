import { deny } from 'supernode';
import { describe, expect, test } from 'vitest';
import { dial, login, startRelay } from '../fixtures/relay.ts';

describe('why', () => {
  test('says of two peers that nothing was dropped, and of a bad id what is wrong with it', async () => {
    const relay = await startRelay({ shards: 2 });
    const [ann, bob] = [await login(relay), await login(relay)];
    expect(await relay.why(ann.id, bob.id)).toEqual({
      peer: ann.id,
      other: bob.id,
      minutes: 15,
      items: [],
      forgotten: 0,
      missingShards: [],
    });
    await expect(relay.why('nobody')).rejects.toMatchObject({ code: 'not-found' });
    await expect(relay.why('no body')).rejects.toMatchObject({ code: 'bad-name' });
    await expect(relay.why(ann.id, null, { minutes: 16 })).rejects.toMatchObject({ code: 'bad-option' });
    await relay.close();
    await expect(relay.why(ann.id)).rejects.toMatchObject({ code: 'relay-closed' });
  });

  test('names a login that authorize kept out, with what can be done', async () => {
    const relay = await startRelay({ authorize: () => deny('not today') });
    const peer = await dial(relay);
    await peer.login().catch(() => {});
    await peer.ended;
    const { items } = await relay.why(peer.id);
    expect(items).toMatchObject([
      {
        reason: 'denied',
        kind: 'refused',
        peer: peer.id,
        other: null,
        claimed: false,
        count: 1,
        limit: 'authorize',
      },
    ]);
    expect(items[0]!.advice).toContain('operator');
    expect(Math.abs(items[0]!.lastMs - Date.now())).toBeLessThan(60_000);
  });
});
