/**
 * A peer is its Ed25519 public key. As text: RFC 4648 base32, lower case, no padding: 52 characters that fit a DNS
 * label, survive a case-insensitive copy and select with a double click.
 */
import { base32nopad } from '@scure/base';
import { SupernodeError } from './errors.ts';

declare const brand: unique symbol;
/** A peer's address: 52 characters of lower-case base32. */
export type PeerId = string & { readonly [brand]: 'PeerId' };
/** A channel's name at one end of it: an unsigned 32-bit number that the relay chose. */
export type Label = number & { readonly [brand]: 'Label' };

export const KEY_BYTES = 32;
/** Tested before toUpperCase, which makes S of a long s (U+017F) and I of a dotless i (U+0131). */
const ID = /^[a-z2-7]{52}$/i;

export function peerIdOf(publicKey: Uint8Array): PeerId {
  return base32nopad.encode(publicKey).toLowerCase() as PeerId;
}

/** Whether it has the form of an id: 52 characters of base32. */
export function isPeerId(text: string): boolean {
  return ID.test(text.trim());
}

/** @throws SupernodeError `bad-peer-id` when the text is not 52 characters of base32. */
export function parsePeerId(text: string): { id: PeerId; publicKey: Uint8Array } {
  const trimmed = text.trim();
  try {
    if (!ID.test(trimmed)) throw new Error('characters');
    const publicKey = base32nopad.decode(trimmed.toUpperCase());
    if (publicKey.length !== KEY_BYTES) throw new Error('bytes');
    return { id: trimmed.toLowerCase() as PeerId, publicKey };
  } catch (cause) {
    const shown = trimmed.length > 80 ? `${trimmed.slice(0, 80)}...` : trimmed;
    throw new SupernodeError(
      'bad-peer-id',
      `"${shown}" is not a peer id: expected 52 characters of base32 (a-z, 2-7).`,
      { cause },
    );
  }
}
