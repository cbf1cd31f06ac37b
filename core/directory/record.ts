/**
 * A peer's record: what it publishes of itself, signed, so that any reader can verify it (docs/protocol.md §12.2).
 *
 *   0..63      Ed25519 signature over "supernode.1 record\n" and bytes 64 to the end
 *   64         version, 1
 *   65         flags: bit 0 searchable, bit 1 heir; the others are 0
 *   66..97     the peer's key
 *   98..105    sequence number, u64, 1 .. 2^53 - 1
 *   106..113   expires, u64, milliseconds since 1970
 *   then       with bit 1: the heir's key, 32; such a record has no name
 *              length of the name u8, 0..63; the name, UTF-8 (0: no name)
 *              length of the profile u16, 0..1024; the profile; the end
 *
 * There is one encoding of every record, and nothing may follow it. Runs in browsers.
 */
import type { Identity } from '../identity/identity.ts';
import { SupernodeError } from '../protocol/errors.ts';
import { MAX_NAME_BYTES, MAX_PROFILE_BYTES, MAX_RECORD_BYTES } from '../protocol/limits.ts';
import { KEY_BYTES } from '../protocol/peer-id.ts';
import { getU16, getU64, putU16, putU64 } from './bytes.ts';
import { SIGNATURE_BYTES, signatureHolds, signInPlace, utf8Bytes, type Verify } from './signed.ts';

const DOMAIN = utf8Bytes('supernode.1 record\n');
const VERSION = 1;
const VERSION_AT = SIGNATURE_BYTES;
const FLAGS_AT = VERSION_AT + 1;
const KEY_AT = FLAGS_AT + 1;
const SEQ_AT = KEY_AT + KEY_BYTES;
const EXPIRES_AT = SEQ_AT + 8;
const FIXED_BYTES = EXPIRES_AT + 8;
const SEARCHABLE = 1;
const HEIR = 2;

export interface RecordContent {
  /** 1 .. 2^53 - 1; a relay takes only a higher one than it has. */
  seq: number;
  /** Milliseconds since 1970. */
  expiresMs: number;
  /** Whether a search by prefix finds the name. */
  searchable: boolean;
  /** In normal form (name.ts); undefined: none. */
  name?: string | undefined;
  /** Who may take over this peer's name: then the record is a former owner's, and has no name. */
  heir?: Uint8Array | undefined;
  /** At most MAX_PROFILE_BYTES. */
  profile: Uint8Array;
}

export interface PeerRecord extends RecordContent {
  /** Whose record it is. */
  key: Uint8Array;
}

/** @throws SupernodeError `bad-record` when a field is out of its bounds. */
export function encodeRecord(identity: Identity, content: RecordContent): Uint8Array {
  const name = utf8Bytes(content.name ?? '');
  if (name.length > MAX_NAME_BYTES) {
    throw badRecord(`its name has ${name.length} bytes; at most ${MAX_NAME_BYTES} are allowed`);
  }
  checkU53('sequence number', content.seq, 1);
  checkU53('expiry', content.expiresMs, 0);
  if (content.heir && content.heir.length !== KEY_BYTES) {
    throw badRecord(`its heir has ${content.heir.length} bytes; a key has ${KEY_BYTES}`);
  }
  const heirBytes = content.heir?.length ?? 0;
  const bytes = new Uint8Array(FIXED_BYTES + heirBytes + 1 + name.length + 2 + content.profile.length);
  bytes[VERSION_AT] = VERSION;
  bytes[FLAGS_AT] = (content.searchable ? SEARCHABLE : 0) | (content.heir ? HEIR : 0);
  bytes.set(identity.publicKey, KEY_AT);
  putU64(bytes, SEQ_AT, content.seq);
  putU64(bytes, EXPIRES_AT, content.expiresMs);
  if (content.heir) bytes.set(content.heir, FIXED_BYTES);
  let at = FIXED_BYTES + heirBytes;
  bytes[at] = name.length;
  bytes.set(name, at + 1);
  at += 1 + name.length;
  putU16(bytes, at, content.profile.length);
  bytes.set(content.profile, at + 2);
  signInPlace(identity, DOMAIN, bytes);
  // The bounds are said once, in parseRecord.
  parseRecord(bytes);
  return bytes;
}

/**
 * Reads a record; does not verify it. Its fields are the caller's own.
 * @throws SupernodeError `bad-record`, with what is wrong.
 */
export function parseRecord(bytes: Uint8Array): PeerRecord {
  if (bytes.length < FIXED_BYTES + 3 || bytes.length > MAX_RECORD_BYTES) {
    throw badRecord(`it has ${bytes.length} bytes; ${FIXED_BYTES + 3} to ${MAX_RECORD_BYTES} are allowed`);
  }
  if (bytes[VERSION_AT] !== VERSION) throw badRecord(`its version is ${bytes[VERSION_AT]}, not ${VERSION}`);
  const flags = bytes[FLAGS_AT]!;
  if (flags > (SEARCHABLE | HEIR)) throw badRecord(`it has unknown flags (${flags})`);
  const seq = getU64(bytes, SEQ_AT);
  checkU53('sequence number', seq, 1);
  const expiresMs = getU64(bytes, EXPIRES_AT);
  checkU53('expiry', expiresMs, 0);
  const heirBytes = (flags & HEIR) === 0 ? 0 : KEY_BYTES;
  const nameAt = FIXED_BYTES + heirBytes + 1;
  const nameBytes = bytes[nameAt - 1] ?? 0;
  if (nameBytes > MAX_NAME_BYTES) {
    throw badRecord(`its name has ${nameBytes} bytes; at most ${MAX_NAME_BYTES} are allowed`);
  }
  const profileAt = nameAt + nameBytes + 2;
  // NaN, and so unequal, when the record ends before the length does.
  const profileBytes = getU16(bytes, profileAt - 2);
  if (profileBytes > MAX_PROFILE_BYTES) {
    throw badRecord(`its profile has ${profileBytes} bytes; at most ${MAX_PROFILE_BYTES} are allowed`);
  }
  if (profileAt + profileBytes !== bytes.length) throw badRecord('its lengths do not add up');
  const name = nameBytes === 0 ? undefined : utf8Text(bytes.subarray(nameAt, nameAt + nameBytes));
  const heir = heirBytes === 0 ? undefined : bytes.slice(FIXED_BYTES, FIXED_BYTES + KEY_BYTES);
  if (name !== undefined && heir !== undefined) {
    throw badRecord('it names an heir, so it may not keep a name');
  }
  return {
    key: bytes.slice(KEY_AT, SEQ_AT),
    seq,
    expiresMs,
    searchable: (flags & SEARCHABLE) !== 0,
    name,
    heir,
    profile: bytes.slice(profileAt),
  };
}

/** Whether the record's signature is that of the key in it. `bytes` must have passed parseRecord. */
export function recordSignatureHolds(bytes: Uint8Array, verify: Verify): boolean {
  return signatureHolds(bytes.subarray(KEY_AT, SEQ_AT), DOMAIN, bytes, verify);
}

/** When a record of the store expires, without reading the rest of it. */
export function recordExpiresMs(bytes: Uint8Array): number {
  return getU64(bytes, EXPIRES_AT);
}

function utf8Text(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw badRecord('its name is not UTF-8', { cause });
  }
}

function checkU53(what: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw badRecord(`its ${what} is ${value}; ${least} to 2^53 - 1 is allowed`);
}

function badRecord(what: string, options?: { cause: unknown }): SupernodeError {
  return new SupernodeError('bad-record', `The record is not valid: ${what}.`, options);
}
