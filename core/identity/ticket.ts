/**
 * Resume tickets. A ticket names a peer and an end; its secret is HMAC(relay's ticket key, ticket), so the relay keeps
 * nothing: it derives the secret again from the ticket that comes back, and a forged or altered ticket yields a secret
 * that the forger does not know. Coming back costs the relay two HMACs in place of an Ed25519 verification.
 *
 *   byte 0      version, 1
 *   1..8        end of its life, milliseconds since 1970, u64 BE
 *   9..40       the peer's key
 *   41..52      random, so that no two tickets have one secret
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { KEY_BYTES } from '../protocol/peer-id.ts';
import type { Identity } from './identity.ts';
import { fillRandom } from './random-pool.ts';

const VERSION = 1;
const PEER_AT = 9;
const RANDOM_AT = PEER_AT + KEY_BYTES;
export const TICKET_BYTES = RANDOM_AT + 12;
const DOMAIN = Buffer.from('supernode.1 ticket\n');

/**
 * The key that seals a relay's tickets: the same relay identity opens them after a restart. It comes from a signature,
 * since an Identity need not show its private key; Ed25519 signatures are deterministic (RFC 8032), and the relay
 * never publishes this one.
 */
export function ticketKeyOf(relay: Identity): Uint8Array {
  const text = 'supernode.1 ticket key';
  return new Uint8Array(hkdfSync('sha256', relay.sign(Buffer.from(text)), '', text, 32));
}

export function sealTicket(
  ticketKey: Uint8Array,
  peer: Uint8Array,
  endsAt: number,
): { ticket: Uint8Array; secret: Uint8Array } {
  const ticket = Buffer.alloc(TICKET_BYTES);
  ticket[0] = VERSION;
  ticket.writeBigUInt64BE(BigInt(endsAt), 1);
  ticket.set(peer, PEER_AT);
  fillRandom(ticket, RANDOM_AT);
  return { ticket, secret: secretOf(ticketKey, ticket) };
}

/**
 * The peer that a ticket lets in, or null: unknown version, too old, or a proof that its secret did not make.
 * @param text what the proof covers (login-text.ts). @param now milliseconds since 1970.
 */
export function openTicket(
  ticketKey: Uint8Array,
  ticket: Uint8Array,
  proof: Uint8Array,
  text: Uint8Array,
  now: number,
): Uint8Array | null {
  if (ticket.length !== TICKET_BYTES || ticket[0] !== VERSION) return null;
  const expected = createHmac('sha256', secretOf(ticketKey, ticket)).update(text).digest();
  if (proof.length !== expected.length || !timingSafeEqual(proof, expected)) return null;
  const view = new DataView(ticket.buffer, ticket.byteOffset, ticket.length);
  // A copy: a Buffer's slice would keep the whole frame that the ticket came in for as long as the peer stays.
  return Number(view.getBigUint64(1)) > now ? new Uint8Array(ticket.subarray(PEER_AT, RANDOM_AT)) : null;
}

function secretOf(ticketKey: Uint8Array, ticket: Uint8Array): Uint8Array {
  return createHmac('sha256', ticketKey).update(DOMAIN).update(ticket).digest();
}
