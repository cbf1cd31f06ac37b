/**
 * Resume tickets. A ticket names a peer and an end; its secret is HMAC(relay's ticket key, ticket), so the relay keeps
 * nothing: it derives the secret again from the ticket that comes back, and a forged or altered ticket yields a secret
 * that the forger does not know. Coming back costs the relay two HMACs in place of an Ed25519 verification.
 *
 *   byte 0      version, 2
 *   1..8        end of its life, milliseconds since 1970, u64 BE
 *   9..40       the peer's key
 *   41..52      random, so that no two tickets have one secret
 *   53          what was known of the peer's policy: 0 nothing, 1 not open to all, 2 open to all
 *   54..57      as of this version of it (threads/versions.ts), i32 BE
 *   58..65      of this run of the relay
 *
 * What is known of the policy comes back with the ticket, so that coming back asks the directory nothing while the policy
 * is the same.
 */
import { hkdfSync, timingSafeEqual } from 'node:crypto';
import { KEY_BYTES } from '../protocol/peer-id.ts';
import { hmacSha256 } from './hmac.ts';
import type { Identity } from './identity.ts';
import { fillRandom } from './random-pool.ts';

const VERSION = 2;
const PEER_AT = 9;
const RANDOM_AT = PEER_AT + KEY_BYTES;
const POLICY_AT = RANDOM_AT + 12;
const POLICY_VERSION_AT = POLICY_AT + 1;
const RUN_AT = POLICY_VERSION_AT + 4;
export const RUN_BYTES = 8;
export const TICKET_BYTES = RUN_AT + RUN_BYTES;
const NOT_OPEN = 1;
const OPEN_TO_ALL = 2;
const DOMAIN = Buffer.from('supernode.1 ticket\n');
/** What the secret is made of: the domain, then the ticket at hand. */
const sealed = new Uint8Array(DOMAIN.length + TICKET_BYTES);
sealed.set(DOMAIN);

/**
 * The key that seals a relay's tickets: the same relay identity opens them after a restart. It comes from a signature,
 * since an Identity need not show its private key; Ed25519 signatures are deterministic (RFC 8032), and the relay
 * never publishes this one.
 */
export function ticketKeyOf(relay: Identity): Uint8Array {
  const text = 'supernode.1 ticket key';
  return new Uint8Array(hkdfSync('sha256', relay.sign(Buffer.from(text)), '', text, 32));
}

/** What a relay's directory said of a peer, once. */
export interface KnownPolicy {
  plain: boolean;
  /** See threads/versions.ts. */
  version: number;
}

export interface TicketKeys {
  ticketKey: Uint8Array;
  /** Random, RUN_BYTES: a version counts within one run of a relay only. */
  run: Uint8Array;
}

/** @param known null: nothing is known of its policy. */
export function sealTicket(
  { ticketKey, run }: TicketKeys,
  peer: Uint8Array,
  endsAt: number,
  known: KnownPolicy | null,
): { ticket: Uint8Array; secret: Uint8Array } {
  const ticket = Buffer.allocUnsafe(TICKET_BYTES).fill(0, POLICY_AT);
  ticket[0] = VERSION;
  // Not as a BigInt, which takes a microsecond.
  ticket.writeUInt32BE(Math.floor(endsAt / 2 ** 32), 1);
  ticket.writeUInt32BE(endsAt >>> 0, 5);
  ticket.set(peer, PEER_AT);
  fillRandom(ticket, RANDOM_AT, POLICY_AT);
  if (known !== null) {
    ticket[POLICY_AT] = known.plain ? OPEN_TO_ALL : NOT_OPEN;
    ticket.writeInt32BE(known.version, POLICY_VERSION_AT);
    ticket.set(run, RUN_AT);
  }
  return { ticket, secret: secretOf(ticketKey, ticket) };
}

/**
 * The peer that a ticket lets in and what it tells of its policy, or null: unknown version, too old, or a proof that its secret did not make.
 * @param text what the proof covers (login-text.ts). @param now milliseconds since 1970.
 */
export function openTicket(
  { ticketKey, run }: TicketKeys,
  ticket: Uint8Array,
  proof: Uint8Array,
  text: Uint8Array,
  now: number,
): { peer: Uint8Array; known: KnownPolicy | null } | null {
  if (ticket.length !== TICKET_BYTES || ticket[0] !== VERSION) return null;
  const expected = hmacSha256(secretOf(ticketKey, ticket), text);
  if (proof.length !== expected.length || !timingSafeEqual(proof, expected)) return null;
  const view = new DataView(ticket.buffer, ticket.byteOffset, ticket.length);
  // A copy: a Buffer's slice would keep the whole frame that the ticket came in for as long as the peer stays.
  if (view.getUint32(1) * 2 ** 32 + view.getUint32(5) <= now) return null;
  return { peer: new Uint8Array(ticket.subarray(PEER_AT, RANDOM_AT)), known: knownOf(ticket, view, run) };
}

function knownOf(ticket: Uint8Array, view: DataView, run: Uint8Array): KnownPolicy | null {
  const policy = ticket[POLICY_AT];
  if (policy !== OPEN_TO_ALL && policy !== NOT_OPEN) return null;
  for (let at = 0; at < RUN_BYTES; at++) if (ticket[RUN_AT + at] !== run[at]) return null;
  return { plain: policy === OPEN_TO_ALL, version: view.getInt32(POLICY_VERSION_AT) };
}

function secretOf(ticketKey: Uint8Array, ticket: Uint8Array): Uint8Array {
  sealed.set(ticket, DOMAIN.length);
  return hmacSha256(ticketKey, sealed);
}
