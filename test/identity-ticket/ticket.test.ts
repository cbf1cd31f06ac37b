import { createHmac } from 'node:crypto';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { identityFromSeed } from '../../core/identity/identity.ts';
import { openTicket, sealTicket, ticketKeyOf } from '../../core/identity/ticket.ts';

const RUN = new Uint8Array(8).fill(3);
const KEYS = { ticketKey: new Uint8Array(32).fill(7), run: RUN };
const PEER = Uint8Array.from({ length: 32 }, (_, i) => i + 100);
/** When it was given, by the clock of the run. */
const GIVEN = 5 * 2 ** 32 + 7;
const until = (endsAt: number) => ({ endsAt, givenMs: GIVEN + 0.5 });
const TEXT = new TextEncoder().encode('what the proof covers');
const NOW = 1_700_000_000_000;

const prove = (secret: Uint8Array, text = TEXT): Uint8Array =>
  new Uint8Array(createHmac('sha256', secret).update(text).digest());
const altered = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((b, i) => (i === at ? b ^ 1 : b));

describe('a resume ticket', () => {
  const { ticket, secret } = sealTicket(KEYS, PEER, until(NOW + 1_000), null);
  const proof = prove(secret);

  test('lets in the peer that it was given to', () => {
    expect(openTicket(KEYS, ticket, proof, TEXT, NOW)).toEqual({ peer: PEER, known: null, givenMs: GIVEN });
  });

  test('is worth nothing with any byte of it altered', () => {
    for (let at = 0; at < ticket.length; at++) {
      expect(openTicket(KEYS, altered(ticket, at), proof, TEXT, NOW), `byte ${at}`).toBe(null);
    }
  });

  test('is worth nothing with any byte of the proof or of its text altered', () => {
    for (let at = 0; at < proof.length; at++) {
      expect(openTicket(KEYS, ticket, altered(proof, at), TEXT, NOW), `byte ${at}`).toBe(null);
    }
    for (let at = 0; at < TEXT.length; at++) {
      expect(openTicket(KEYS, ticket, proof, altered(TEXT, at), NOW), `byte ${at}`).toBe(null);
    }
  });

  test('is worth nothing without its secret, and another ticket of the same peer has another', () => {
    const other = sealTicket(KEYS, PEER, until(NOW + 1_000), null);
    expect(other.secret).not.toEqual(secret);
    expect(openTicket(KEYS, ticket, prove(other.secret), TEXT, NOW)).toBe(null);
    expect(openTicket(KEYS, ticket, prove(ticket), TEXT, NOW)).toBe(null);
  });

  test('ends with its life, to the millisecond', () => {
    expect(openTicket(KEYS, ticket, proof, TEXT, NOW + 999)).not.toBe(null);
    expect(openTicket(KEYS, ticket, proof, TEXT, NOW + 1_000)).toBe(null);
    expect(openTicket(KEYS, ticket, proof, TEXT, NOW + 9_000_000)).toBe(null);
  });

  test('is opened by the key that sealed it alone', () => {
    const { ticketKey } = KEYS;
    for (let at = 0; at < ticketKey.length; at++)
      expect(openTicket({ ...KEYS, ticketKey: altered(ticketKey, at) }, ticket, proof, TEXT, NOW)).toBe(null);
  });

  test('of another length, or a proof of another length, is refused and does not throw', () => {
    for (const length of [0, 1, 53, 65, 67, 256]) {
      const other = new Uint8Array(length);
      other.set(ticket.subarray(0, length));
      expect(openTicket(KEYS, other, proof, TEXT, NOW)).toBe(null);
    }
    for (const length of [0, 31, 33])
      expect(openTicket(KEYS, ticket, new Uint8Array(length), TEXT, NOW)).toBe(null);
  });
});

test('the same relay identity opens its tickets after a restart, another does not', () => {
  const seed = new Uint8Array(32).fill(3);
  const keysOf = (of: Uint8Array, run: number) => ({
    ticketKey: ticketKeyOf(identityFromSeed(of)),
    run: new Uint8Array(8).fill(run),
  });
  const { ticket, secret } = sealTicket(keysOf(seed, 1), PEER, until(NOW + 1), { plain: true, version: 5 });
  const restarted = keysOf(seed, 2);
  const stranger = keysOf(
    seed.map((b) => b + 1),
    1,
  );
  // What was known of its policy, and its clock, hold for one run.
  expect(openTicket(restarted, ticket, prove(secret), TEXT, NOW)).toEqual({
    peer: PEER,
    known: null,
    givenMs: null,
  });
  expect(openTicket(stranger, ticket, prove(secret), TEXT, NOW)).toBe(null);
});

test.each([
  { plain: true, version: 0 },
  { plain: false, version: 2 ** 31 - 1 },
  { plain: true, version: -(2 ** 31) },
])('a ticket brings back what was known of the policy: %o', (known) => {
  const { ticket, secret } = sealTicket(KEYS, PEER, until(NOW + 1), known);
  expect(openTicket(KEYS, ticket, prove(secret), TEXT, NOW)).toEqual({ peer: PEER, known, givenMs: GIVEN });
  for (let at = 0; at < RUN.length; at++) {
    const other = { ...KEYS, run: altered(RUN, at) };
    expect(openTicket(other, ticket, prove(secret), TEXT, NOW)).toEqual({
      peer: PEER,
      known: null,
      givenMs: null,
    });
  }
});

test('without libsodium a ticket is of the other kind: each opens its own alone, and the texts and proofs are the same', async () => {
  vi.resetModules();
  vi.doMock('../../core/identity/sodium.ts', () => ({ loadSodium: () => null, loadedSodium: () => null }));
  onTestFinished(() => {
    vi.doUnmock('../../core/identity/sodium.ts');
    vi.resetModules();
  });
  const plain = await import('../../core/identity/ticket.ts');
  const [ours, theirs] = [{ sealTicket, openTicket }, plain];
  const opened: (boolean | undefined)[] = [];
  for (const by of [ours, theirs]) {
    const { ticket, secret } = by.sealTicket(KEYS, PEER, until(NOW + 1), null);
    for (const at of [ours, theirs])
      opened.push(at.openTicket(KEYS, ticket, prove(secret), TEXT, NOW) !== null);
    for (let at = 0; at < ticket.length; at++) {
      expect(by.openTicket(KEYS, altered(ticket, at), prove(secret), TEXT, NOW), `byte ${at}`).toBe(null);
    }
  }
  expect(opened).toEqual([true, false, false, true]);
});
