import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { identityFromSeed } from '../../core/identity/identity.ts';
import { openTicket, sealTicket, ticketKeyOf } from '../../core/identity/ticket.ts';

const KEY = new Uint8Array(32).fill(7);
const PEER = Uint8Array.from({ length: 32 }, (_, i) => i + 100);
const TEXT = new TextEncoder().encode('what the proof covers');
const NOW = 1_700_000_000_000;

const prove = (secret: Uint8Array, text = TEXT): Uint8Array =>
  new Uint8Array(createHmac('sha256', secret).update(text).digest());
const altered = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((b, i) => (i === at ? b ^ 1 : b));

describe('a resume ticket', () => {
  const { ticket, secret } = sealTicket(KEY, PEER, NOW + 1_000);
  const proof = prove(secret);

  test('lets in the peer that it was given to', () => {
    expect(openTicket(KEY, ticket, proof, TEXT, NOW)).toEqual(Uint8Array.from(PEER));
  });

  test('is worth nothing with any byte of it altered', () => {
    for (let at = 0; at < ticket.length; at++) {
      expect(openTicket(KEY, altered(ticket, at), proof, TEXT, NOW), `byte ${at}`).toBe(null);
    }
  });

  test('is worth nothing with any byte of the proof or of its text altered', () => {
    for (let at = 0; at < proof.length; at++) {
      expect(openTicket(KEY, ticket, altered(proof, at), TEXT, NOW), `byte ${at}`).toBe(null);
    }
    for (let at = 0; at < TEXT.length; at++) {
      expect(openTicket(KEY, ticket, proof, altered(TEXT, at), NOW), `byte ${at}`).toBe(null);
    }
  });

  test('is worth nothing without its secret, and another ticket of the same peer has another', () => {
    const other = sealTicket(KEY, PEER, NOW + 1_000);
    expect(other.secret).not.toEqual(secret);
    expect(openTicket(KEY, ticket, prove(other.secret), TEXT, NOW)).toBe(null);
    expect(openTicket(KEY, ticket, prove(ticket), TEXT, NOW)).toBe(null);
  });

  test('ends with its life, to the millisecond', () => {
    expect(openTicket(KEY, ticket, proof, TEXT, NOW + 999)).not.toBe(null);
    expect(openTicket(KEY, ticket, proof, TEXT, NOW + 1_000)).toBe(null);
    expect(openTicket(KEY, ticket, proof, TEXT, NOW + 9_000_000)).toBe(null);
  });

  test('is opened by the key that sealed it alone', () => {
    for (let at = 0; at < KEY.length; at++)
      expect(openTicket(altered(KEY, at), ticket, proof, TEXT, NOW)).toBe(null);
  });

  test('of another length, or a proof of another length, is refused and does not throw', () => {
    for (const length of [0, 1, 52, 54, 256]) {
      const other = new Uint8Array(length);
      other.set(ticket.subarray(0, length));
      expect(openTicket(KEY, other, proof, TEXT, NOW)).toBe(null);
    }
    for (const length of [0, 31, 33])
      expect(openTicket(KEY, ticket, new Uint8Array(length), TEXT, NOW)).toBe(null);
  });
});

test('the same relay identity opens its tickets after a restart, another does not', () => {
  const seed = new Uint8Array(32).fill(3);
  const { ticket, secret } = sealTicket(ticketKeyOf(identityFromSeed(seed)), PEER, NOW + 1);
  const restarted = ticketKeyOf(identityFromSeed(seed));
  const stranger = ticketKeyOf(identityFromSeed(seed.map((b) => b + 1)));
  expect(openTicket(restarted, ticket, prove(secret), TEXT, NOW)).toEqual(Uint8Array.from(PEER));
  expect(openTicket(stranger, ticket, prove(secret), TEXT, NOW)).toBe(null);
});
