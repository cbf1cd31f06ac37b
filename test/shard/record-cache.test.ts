import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createVersions, Versions } from '../../core/threads/versions.ts';
import { type Question, RecordCache } from '../../workers/shard/record-cache.ts';
import { limit } from '../fixtures/limits.ts';

const key = (number: number): Uint8Array => new Uint8Array(32).fill(number);
const name = (number: number): string => `name-${number}`;

const question = fc.record({ number: fc.nat(3), byName: fc.boolean(), record: fc.boolean() });
const step = fc.oneof(
  fc.record({ do: fc.constant('find' as const), question }),
  /** Reads the store now; the answer comes `delay` steps later. */
  fc.record({ do: fc.constant('read' as const), question, delay: fc.nat(4) }),
  fc.record({ do: fc.constant('write' as const), number: fc.nat(3) }),
  fc.record({ do: fc.constant('move name' as const), number: fc.nat(3), to: fc.nat(3) }),
);

describe('the cache of records', () => {
  test('never answers with what was so before an acknowledged write, whatever overtakes what', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const versions = new Versions(createVersions());
        const cache = new RecordCache(versions);
        // The store: each key's content, and each name's owner.
        const content = [0, 0, 0, 0];
        const owner = [0, 1, 2, 3];
        const under: { at: number; keep: () => void }[] = [];
        steps.forEach((one, at) => {
          for (const answer of under.filter((item) => item.at <= at)) answer.keep();
          under.splice(0, under.length, ...under.filter((item) => item.at > at));
          if (one.do === 'write') {
            content[one.number]!++;
            versions.bump(key(one.number));
            return;
          }
          if (one.do === 'move name') {
            owner[one.number] = one.to;
            versions.bump(name(one.number));
            return;
          }
          const { number, byName, record } = one.question;
          const asked: Question = byName ? { name: name(number), record } : { peer: key(number), record };
          if (one.do === 'find') {
            const hit = cache.find(asked, 0);
            if (hit === undefined) return;
            const peer = byName ? owner[number]! : number;
            expect(hit.peer).toEqual(key(peer));
            expect(hit.record).toEqual(record ? Uint8Array.of(content[peer]!) : undefined);
            return;
          }
          const peer = byName ? owner[number]! : number;
          const answer = {
            peer: key(peer),
            state: 0,
            seenMs: 1,
            cacheable: true,
            version: versions.current(key(peer)),
            nameVersion: versions.current(name(number)),
            ...(record ? { record: Uint8Array.of(content[peer]!) } : {}),
          };
          under.push({ at: at + one.delay, keep: () => cache.keep(asked, answer, 0) });
        });
      }),
      { numRuns: 500 },
    );
  });

  const answerOf = (peer: Uint8Array, bytes: number) => ({
    peer,
    state: 0,
    seenMs: 1,
    cacheable: true,
    version: 0,
    record: new Uint8Array(bytes),
  });
  const numbered = (number: number): Uint8Array => {
    const bytes = new Uint8Array(32);
    new DataView(bytes.buffer).setUint32(0, number);
    return bytes;
  };

  test('is bounded in entries and bytes, and gives up who was not asked for longest', () => {
    for (const [recordBytes, most] of [
      [0, 8_192],
      [1_236, 4_798],
    ] as const) {
      const cache = new RecordCache(new Versions(createVersions()));
      for (let i = 0; i < 10_000; i++) {
        cache.keep({ peer: numbered(i), record: true }, answerOf(numbered(i), recordBytes), 0);
        expect(cache.find({ peer: numbered(0), record: true }, 0), 'asked for all the time').toBeDefined();
      }
      expect(cache.size).toBe(most);
      expect(cache.bytes).toBeLessThanOrEqual(8 * 1024 * 1024);
      expect(cache.find({ peer: numbered(1), record: true }, 0)).toBeUndefined();
      expect(cache.find({ peer: numbered(9_999), record: true }, 0)).toBeDefined();
    }
    limit('record cache of a shard').sees();
  });

  test('gives an entry back once, when it is old or replaced', () => {
    const versions = new Versions(createVersions());
    const cache = new RecordCache(versions);
    const asked = { peer: key(1), record: true };
    cache.keep(asked, answerOf(key(1), 100), 0);
    cache.keep(asked, answerOf(key(1), 200), 0);
    expect(cache.find(asked, 9_999)?.record?.length).toBe(200);
    expect(cache.find(asked, 10_000)).toBeUndefined();
    expect([cache.size, cache.bytes]).toEqual([0, 0]);
    cache.keep(asked, answerOf(key(1), 100), 0);
    versions.bump(key(1));
    expect(cache.find(asked, 0)).toBeUndefined();
    expect([cache.size, cache.bytes]).toEqual([0, 0]);
  });

  test('keeps no more of what came for many than its own record', () => {
    const versions = new Versions(createVersions());
    const cache = new RecordCache(versions);
    const many = new Uint8Array(4_096);
    const asked = { peer: key(1), record: true };
    const answer = { peer: key(1), state: 0, seenMs: 1, cacheable: true, version: versions.current(key(1)) };
    cache.keep(asked, { ...answer, record: many.subarray(8, 200) }, 0);
    many.fill(9);
    const shared = cache.find(asked, 0)!.record!;
    expect([shared.length, shared.buffer.byteLength, shared[0]]).toEqual([192, 192, 0]);
    const alone = new Uint8Array(180).subarray(4);
    cache.keep(asked, { ...answer, record: alone }, 0);
    expect(cache.find(asked, 0)!.record).toBe(alone);
  });
});
