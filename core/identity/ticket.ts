/**
 * Resume tickets. A ticket names a peer and an end; its secret is a MAC of it under the relay's ticket key, so the relay keeps
 * nothing: it derives the secret again from the ticket that comes back, and a forged or altered ticket yields a secret
 * that the forger does not know. Coming back costs the relay two MACs in place of an Ed25519 verification.
 *
 * That MAC is the relay's own affair: keyed BLAKE2b (RFC 7693) where libsodium is, which takes a third of HMAC-SHA256's time,
 * else HMAC-SHA256. A relay opens the tickets of its own kind; to one that came to libsodium or lost it, each peer signs once.
 *
 *   byte 0      kind: 3 BLAKE2b, 4 HMAC
 *   1..8        end of its life, milliseconds since 1970, u64 BE
 *   9..40       the peer's key
 *   41..52      random, so that no two tickets have one secret
 *   53          what was known of the peer's policy: 0 nothing, 1 not open to all, 2 open to all
 *   54..57      as of this version of it (threads/versions.ts), i32 BE
 *   58..65      the run of the relay
 *   66..71      when it was given, milliseconds u48 BE of that run's clock (threads/process-clock.ts)
 *
 * What is known of the policy comes back with the ticket, so that coming back asks the directory nothing while the policy
 * is the same.
 */
import { hkdfSync, timingSafeEqual } from 'node:crypto';
import { KEY_BYTES } from '../protocol/peer-id.ts';
import { hmacSha256 } from './hmac.ts';
import type { Identity } from './identity.ts';
import { fillRandom } from './random-pool.ts';
import { loadSodium } from './sodium.ts';

const BLAKE2B = 3;
const HMAC = 4;
const PEER_AT = 9;
const RANDOM_AT = PEER_AT + KEY_BYTES;
const POLICY_AT = RANDOM_AT + 12;
const POLICY_VERSION_AT = POLICY_AT + 1;
const RUN_AT = POLICY_VERSION_AT + 4;
export const RUN_BYTES = 8;
const GIVEN_AT = RUN_AT + RUN_BYTES;
export const TICKET_BYTES = GIVEN_AT + 6;
const SECRET_BYTES = 32;
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

/** Milliseconds: the end of its life since 1970, and when it is given by the process's clock. */
export interface TicketTimes {
  endsAt: number;
  givenMs: number;
}

/** @param known null: nothing is known of its policy. */
export function sealTicket(
  { ticketKey, run }: TicketKeys,
  peer: Uint8Array,
  { endsAt, givenMs }: TicketTimes,
  known: KnownPolicy | null,
): { ticket: Uint8Array; secret: Uint8Array } {
  const ticket = Buffer.allocUnsafe(TICKET_BYTES).fill(0, POLICY_AT);
  ticket[0] = kind();
  // Not as a BigInt, which takes a microsecond.
  ticket.writeUInt32BE(Math.floor(endsAt / 2 ** 32), 1);
  ticket.writeUInt32BE(endsAt >>> 0, 5);
  ticket.set(peer, PEER_AT);
  fillRandom(ticket, RANDOM_AT, POLICY_AT);
  if (known !== null) {
    ticket[POLICY_AT] = known.plain ? OPEN_TO_ALL : NOT_OPEN;
    ticket.writeInt32BE(known.version, POLICY_VERSION_AT);
  }
  ticket.set(run, RUN_AT);
  ticket.writeUInt16BE(Math.floor(givenMs / 2 ** 32), GIVEN_AT);
  ticket.writeUInt32BE(Math.floor(givenMs) >>> 0, GIVEN_AT + 2);
  return { ticket, secret: secretOf(ticketKey, ticket) };
}

export interface OpenedTicket {
  peer: Uint8Array;
  known: KnownPolicy | null;
  /** By the clock of this process; null: another run of the relay gave it. */
  givenMs: number | null;
}

/**
 * The peer that a ticket lets in and what it tells of its policy, or null: of another kind, too old, or a proof that its secret did not make.
 * @param text what the proof covers (login-text.ts). @param now milliseconds since 1970.
 */
export function openTicket(
  { ticketKey, run }: TicketKeys,
  ticket: Uint8Array,
  proof: Uint8Array,
  text: Uint8Array,
  now: number,
): OpenedTicket | null {
  if (ticket.length !== TICKET_BYTES || ticket[0] !== kind()) return null;
  const expected = hmacSha256(secretOf(ticketKey, ticket), text);
  if (proof.length !== expected.length || !timingSafeEqual(proof, expected)) return null;
  const view = new DataView(ticket.buffer, ticket.byteOffset, ticket.length);
  // A copy: a Buffer's slice would keep the whole frame that the ticket came in for as long as the peer stays.
  if (view.getUint32(1) * 2 ** 32 + view.getUint32(5) <= now) return null;
  const peer = new Uint8Array(ticket.subarray(PEER_AT, RANDOM_AT));
  if (!isOf(run, ticket)) return { peer, known: null, givenMs: null };
  const givenMs = view.getUint16(GIVEN_AT) * 2 ** 32 + view.getUint32(GIVEN_AT + 2);
  return { peer, known: knownOf(ticket, view), givenMs };
}

function knownOf(ticket: Uint8Array, view: DataView): KnownPolicy | null {
  const policy = ticket[POLICY_AT];
  if (policy !== OPEN_TO_ALL && policy !== NOT_OPEN) return null;
  return { plain: policy === OPEN_TO_ALL, version: view.getInt32(POLICY_VERSION_AT) };
}

function isOf(run: Uint8Array, ticket: Uint8Array): boolean {
  for (let at = 0; at < RUN_BYTES; at++) if (ticket[RUN_AT + at] !== run[at]) return false;
  return true;
}

function kind(): number {
  return loadSodium() === null ? HMAC : BLAKE2B;
}

function secretOf(ticketKey: Uint8Array, ticket: Uint8Array): Uint8Array {
  sealed.set(ticket, DOMAIN.length);
  const sodium = loadSodium();
  if (sodium === null) return hmacSha256(ticketKey, sealed);
  const secret = new Uint8Array(SECRET_BYTES);
  sodium.crypto_generichash(secret, sealed, ticketKey);
  return secret;
}
