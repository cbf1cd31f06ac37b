/** The resume in a request for a WebSocket (core/protocol/early-resume.ts), as a shard reads it. Every byte of it is hostile. */
import { EARLY_AT, EARLY_PREFIX, type EarlyResume } from '../../core/protocol/early-resume.ts';
import { MAX_CLIENT_VERSION_BYTES, MAX_TICKET_BYTES } from '../../core/protocol/limits.ts';
import { portion } from '../../core/protocol/portion.ts';

const MOST_TEXT = Math.ceil(((EARLY_AT.client + MAX_CLIENT_VERSION_BYTES + MAX_TICKET_BYTES) * 4) / 3);
/** Not fatal: bytes that are not UTF-8 make another text, which the proof does not cover. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** @param offered the header `Sec-WebSocket-Protocol`. @returns null: no resume is in it, or none that is well made. */
export function earlyResumeOf(offered: string): EarlyResume | null {
  const text = tokenOf(offered);
  if (text === '' || text.length > MOST_TEXT) return null;
  const bytes = portion(Math.floor((text.length * 3) / 4));
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  // Stops at what is no base64url, and then the bytes are too few.
  if (buffer.write(text, 'base64url') !== bytes.length || bytes.length < EARLY_AT.client) return null;
  const clientBytes = bytes[EARLY_AT.clientBytes]!;
  const ticketAt = EARLY_AT.client + clientBytes;
  if (clientBytes > MAX_CLIENT_VERSION_BYTES || ticketAt > bytes.length) return null;
  return {
    proof: bytes.subarray(0, EARLY_AT.age),
    ageMs: buffer.readUIntBE(EARLY_AT.age, 6),
    client: clientAt(bytes, ticketAt),
    ticket: bytes.subarray(ticketAt),
  };
}

/** Not by splitting the header: it may be four kilobytes of commas. @returns '' when there is none. */
function tokenOf(offered: string): string {
  const at = offered.indexOf(EARLY_PREFIX);
  if (at < 0 || (at > 0 && !', '.includes(offered[at - 1]!))) return '';
  const from = at + EARLY_PREFIX.length;
  const end = offered.indexOf(',', from);
  return (end < 0 ? offered.slice(from) : offered.slice(from, end)).trimEnd();
}

/** Of the version that was read last: the next one is mostly the same. */
let lastClient = '';
let lastBytes: Uint8Array = new Uint8Array(0);

function clientAt(bytes: Uint8Array, end: number): string {
  const length = end - EARLY_AT.client;
  let same = length === lastBytes.length;
  for (let at = 0; same && at < length; at++) same = bytes[EARLY_AT.client + at] === lastBytes[at];
  if (!same) {
    lastBytes = bytes.slice(EARLY_AT.client, end);
    lastClient = utf8.decode(lastBytes);
  }
  return lastClient;
}
