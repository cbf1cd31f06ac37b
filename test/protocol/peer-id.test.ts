import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SupernodeError } from '../../core/protocol/errors.ts';
import { parsePeerId, peerIdOf } from '../../core/protocol/peer-id.ts';
import { bytes } from './arbitraries.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648 base32 by way of one large number. */
function model(key: Uint8Array): string {
  let bits = 0n;
  for (const byte of key) bits = (bits << 8n) | BigInt(byte);
  bits <<= 4n;
  let text = '';
  for (let i = 0; i < 52; i++, bits >>= 5n) text = ALPHABET[Number(bits & 31n)] + text;
  return text;
}

describe('a peer id', () => {
  it('is the 52 characters of the plain model', () => {
    fc.assert(
      fc.property(bytes(32), (key) => {
        expect(peerIdOf(key)).toBe(model(key));
      }),
    );
  });

  it('comes back as the key it was, in any case and with white space around it', () => {
    const space = fc.constantFrom('', ' ', '\n', '\t ', '\r\n');
    fc.assert(
      fc.property(bytes(32), fc.infiniteStream(fc.boolean()), space, space, (key, upper, before, after) => {
        const id = peerIdOf(key);
        const mixed = [...id].map((c) => (upper.next().value ? c.toUpperCase() : c)).join('');
        const parsed = parsePeerId(before + mixed + after);
        expect(parsed.id).toBe(id);
        expect([...parsed.publicKey]).toEqual([...key]);
      }),
    );
  });

  it('has one text only: whatever is read is written the same again', () => {
    const character = fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom(...ALPHABET) },
      { weight: 1, arbitrary: fc.constantFrom('ſ', 'ı', 'K', 'ß', '0', '1', '8', '9', '=', ' ', '-') },
    );
    const last = fc.constantFrom('a', 'q', 'b', '7');
    const candidate = fc.tuple(fc.array(character, { minLength: 50, maxLength: 52 }), last);
    fc.assert(
      fc.property(candidate, ([characters, end]) => {
        const text = characters.join('') + end;
        try {
          const { id, publicKey } = parsePeerId(text);
          expect(peerIdOf(publicKey)).toBe(id);
          expect(text.trim().toLowerCase()).toBe(id);
        } catch (error) {
          expect(error).toBeInstanceOf(SupernodeError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('is nothing else: any other text is a bad-peer-id, told in a short sentence', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        fc.pre(!/^[a-z2-7]{52}$/i.test(text.trim()));
        expect(() => parsePeerId(text)).toThrowError(expect.objectContaining({ code: 'bad-peer-id' }));
      }),
    );
    try {
      parsePeerId('x'.repeat(100_000));
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(200);
    }
  });

  it('has zeros in the four bits after the key', () => {
    const id = peerIdOf(new Uint8Array(32));
    const good = [...ALPHABET].filter((end) => {
      try {
        parsePeerId(id.slice(0, -1) + end);
        return true;
      } catch {
        return false;
      }
    });
    expect(good).toEqual(['a', 'q']);
  });
});
