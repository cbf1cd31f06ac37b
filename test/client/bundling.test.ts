import { describe, expect, it } from 'vitest';
import { generateMask } from '../../core/client/platform-node.ts';
import { MAX_BUNDLE_BYTES, MAX_PAYLOAD_BYTES } from '../../core/protocol/limits.ts';
import { openPair, texts } from './peers.ts';

describe('what is sent in one turn', () => {
  it('goes out as one bundle', async () => {
    const { relay, caller, near, far } = await openPair();
    const { bundles } = relay.sessionOf(caller.id);
    const before = bundles.length;
    for (let i = 0; i < 100; i++) near.send('x'.repeat(100));
    near.end();
    expect(await texts(far)).toHaveLength(100);
    expect(bundles.slice(before)).toEqual([100 * 109 + 9]);
  });

  it('is one bundle also when there are awaits in between', async () => {
    const { relay, caller, near, far } = await openPair();
    const { bundles } = relay.sessionOf(caller.id);
    const before = bundles.length;
    for (let i = 0; i < 10; i++) {
      near.send('x');
      await Promise.resolve();
    }
    near.end();
    expect(await texts(far)).toHaveLength(10);
    expect(bundles.length - before).toBe(1);
  });

  it('is cut into bundles of at most 128 KiB, between frames', async () => {
    const { relay, caller, near, far } = await openPair({ reliable: true });
    const { bundles } = relay.sessionOf(caller.id);
    const before = bundles.length;
    // The relay reads each bundle by itself: a frame that was split would end the connection.
    const sizes = [MAX_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES, 1, 60_000, 60_000, 20_000, 0, MAX_PAYLOAD_BYTES];
    for (const size of sizes) near.send(new Uint8Array(size));
    near.end();
    const received: number[] = [];
    for await (const message of far) received.push(message.length);
    expect(received).toEqual(sizes);
    expect(Math.max(...bundles.slice(before))).toBe(MAX_BUNDLE_BYTES);
    expect(bundles.length - before).toBe(3);
  });
});

describe('the mask of a bundle', () => {
  it('is never zero, with which the socket would not copy the bundle', () => {
    const mask = new Uint8Array(4);
    const seen = new Set<string>();
    for (let i = 0; i < 10_000; i++) {
      generateMask(mask);
      expect(mask.some((byte) => byte !== 0)).toBe(true);
      seen.add(mask.join());
    }
    expect(seen.size).toBeGreaterThan(9_900);
  });
});
