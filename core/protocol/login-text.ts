/**
 * The exact bytes that a login signs and a resume proves (docs/protocol.md §5). Each text begins with its own
 * domain, so neither can stand for the other or for anything else that the key signs, and names the relay, so a
 * relay cannot use a proof that it was given at another.
 */
const encoder = new TextEncoder();
const LOGIN_DOMAIN = encoder.encode('supernode.1 login\n');
const RESUME_DOMAIN = encoder.encode('supernode.1 resume\n');

/** What Ed25519 signs: domain, relay key (32), nonce (32), peer key (32), client version (UTF-8). */
export function loginText(
  relayKey: Uint8Array,
  nonce: Uint8Array,
  peerKey: Uint8Array,
  clientVersion: string,
): Uint8Array {
  return concat(LOGIN_DOMAIN, relayKey, nonce, peerKey, encoder.encode(clientVersion));
}

/** What HMAC-SHA256 with the ticket's secret covers: domain, relay key (32), nonce (32), client version (UTF-8). */
export function resumeText(relayKey: Uint8Array, nonce: Uint8Array, clientVersion: string): Uint8Array {
  return concat(RESUME_DOMAIN, relayKey, nonce, encoder.encode(clientVersion));
}

function concat(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
