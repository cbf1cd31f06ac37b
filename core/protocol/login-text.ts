/**
 * The exact bytes that a login signs and a resume proves (docs/protocol.md §5). Each text begins with its own
 * domain, so neither can stand for the other or for anything else that the key signs, and names the relay, so a
 * relay cannot use a proof that it was given at another.
 */
import { portion } from './portion.ts';

const encoder = new TextEncoder();
const LOGIN_DOMAIN = encoder.encode('supernode.1 login\n');
const RESUME_DOMAIN = encoder.encode('supernode.1 resume\n');
const EARLY_DOMAIN = encoder.encode('supernode.1 early\n');
const AGE_BYTES = 6;

/** What Ed25519 signs: domain, relay key (32), nonce (32), peer key (32), client version (UTF-8). */
export function loginText(
  relayKey: Uint8Array,
  nonce: Uint8Array,
  peerKey: Uint8Array,
  clientVersion: string,
): Uint8Array {
  return concat(LOGIN_DOMAIN, relayKey, nonce, peerKey, bytesOf(clientVersion));
}

/** What HMAC-SHA256 with the ticket's secret covers: domain, relay key (32), nonce (32), client version (UTF-8). */
export function resumeText(relayKey: Uint8Array, nonce: Uint8Array, clientVersion: string): Uint8Array {
  return concat(RESUME_DOMAIN, relayKey, nonce, bytesOf(clientVersion));
}

/** What the proof of an early resume covers: domain, relay key (32), age of the ticket (6, milliseconds, BE), client version (UTF-8). */
export function earlyText(relayKey: Uint8Array, ageMs: number, clientVersion: string): Uint8Array {
  const age = new Uint8Array(AGE_BYTES);
  for (let at = AGE_BYTES, left = ageMs; at > 0; left = Math.floor(left / 256)) age[--at] = left % 256;
  return concat(EARLY_DOMAIN, relayKey, age, bytesOf(clientVersion));
}

/** Of the version that was asked for last: one after the other is mostly the same. */
let lastVersion = '';
let lastBytes = new Uint8Array(0);

function bytesOf(clientVersion: string): Uint8Array {
  if (clientVersion !== lastVersion) {
    lastBytes = encoder.encode(clientVersion);
    lastVersion = clientVersion;
  }
  return lastBytes;
}

function concat(...parts: Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = portion(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
