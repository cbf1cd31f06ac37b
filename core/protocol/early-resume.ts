/**
 * A resume in the request for the WebSocket (docs/protocol.md §5.6), which waits for no `hello`. It is the second subprotocol
 * that the client offers, since that is the one header that a browser lets it choose:
 *
 *   resume.BASE64URL( proof 32 | age of the ticket, milliseconds u48 BE | bytes of client u8 | client | ticket )
 *
 * The relay's side is workers/shard/early-offer.ts.
 */
import { SUBPROTOCOL } from './names.ts';

export const EARLY_PREFIX = 'resume.';
const PROOF_BYTES = 32;
/** Where its parts begin. */
export const EARLY_AT = { age: PROOF_BYTES, clientBytes: PROOF_BYTES + 6, client: PROOF_BYTES + 7 } as const;

export interface EarlyResume {
  ticket: Uint8Array;
  /** HMAC-SHA256 under the ticket's secret of the early text (login-text.ts). */
  proof: Uint8Array;
  /** How long ago the client got the ticket: whole milliseconds by a clock that nobody sets. */
  ageMs: number;
  client: string;
}

const encoder = new TextEncoder();

export function earlyBytes({ ticket, proof, ageMs, client }: EarlyResume): Uint8Array {
  const version = encoder.encode(client);
  const bytes = new Uint8Array(EARLY_AT.client + version.length + ticket.length);
  const view = new DataView(bytes.buffer);
  bytes.set(proof);
  view.setUint16(EARLY_AT.age, Math.floor(ageMs / 2 ** 32));
  view.setUint32(EARLY_AT.age + 2, ageMs >>> 0);
  bytes[EARLY_AT.clientBytes] = version.length;
  bytes.set(version, EARLY_AT.client);
  bytes.set(ticket, EARLY_AT.client + version.length);
  return bytes;
}

/** What the client offers: the protocol, and the resume as a subprotocol that no relay agrees to. */
export function offerOf(resume: EarlyResume): string[] {
  const text = btoa(String.fromCharCode(...earlyBytes(resume)));
  const safe = text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return [SUBPROTOCOL, EARLY_PREFIX + safe];
}
