/** What publish, lookup and search accept, with defaults. */
import { base64urlnopad } from '@scure/base';
import { sameBytes } from '../../directory/bytes.ts';
import { parseRecord, recordSignatureHolds } from '../../directory/record.ts';
import type { Verify } from '../../directory/signed.ts';
import { OptionError } from '../../protocol/errors.ts';
import {
  MAX_NAME_BYTES,
  MAX_PROFILE_BYTES,
  MAX_RECORD_LIFE_MS,
  MAX_SEARCH_RESULTS,
  MIN_NAME_CHARACTERS,
} from '../../protocol/limits.ts';
import { checkNumber, shown, utf8Length } from '../checks.ts';
import { normalName } from './address.ts';

export const DEFAULT_RECORD_LIFE_MS = 30 * 24 * 3_600_000;

/** What is left out, or undefined, stays as this peer's current record has it. */
export interface PublishOptions {
  /** The name to claim, if it is free; it is normalised (ENSIP-15). null: none, the current one is released. */
  name?: string | null | undefined;
  /** A JSON object, at most 1,024 bytes. Default at first: {}. */
  profile?: Record<string, unknown> | undefined;
  /** Whether a search by prefix may find the name. Default at first: false. */
  searchable?: boolean | undefined;
  /** How long the record, and the claim of the name, lasts from now: 1 .. 31,622,400,000 milliseconds. Default 30 days. */
  lifeMs?: number | undefined;
  /** Text of `peer.transfer` at the name's former owner: takes `name` over, which must be given too. */
  transfer?: string | undefined;
}

export interface SignalOption {
  /** Gives up waiting when aborted: the promise rejects with its reason. What was asked may be carried out all the same. */
  signal?: AbortSignal | undefined;
}

export interface LookupOptions extends SignalOption {
  /** Whether to ask for the record too. Default true. Without it, whose a name is, is only the relay's word. */
  record?: boolean | undefined;
}

export interface SearchOptions extends SignalOption {
  /** How many to find: 1..32, default 32. */
  most?: number | undefined;
}

export interface CheckedPublish {
  name: string | null | undefined;
  profile: Uint8Array | undefined;
  searchable: boolean | undefined;
  lifeMs: number;
  /** The former owner's record. */
  former: Uint8Array | undefined;
}

/** @throws (as rejections) OptionError; SupernodeError `bad-name`. */
export async function checkPublish(
  options: PublishOptions,
  ownKey: Uint8Array,
  verify: Verify,
): Promise<CheckedPublish> {
  if (typeof options !== 'object' || options === null) {
    throw new OptionError(`What to publish must be an object, not ${shown(options)}.`);
  }
  const { name, profile, searchable, lifeMs = DEFAULT_RECORD_LIFE_MS, transfer } = options;
  if (searchable !== undefined && typeof searchable !== 'boolean') {
    throw new OptionError(`searchable must be true or false, not ${shown(searchable)}.`);
  }
  checkNumber('lifeMs', lifeMs, 1, MAX_RECORD_LIFE_MS);
  const former = transfer === undefined ? undefined : checkTransfer(transfer, ownKey, verify);
  if (former !== undefined && typeof name !== 'string') {
    throw new OptionError('With transfer, name must be the name that it hands over.');
  }
  return {
    name: name === undefined || name === null ? name : await normalName(name),
    profile: profile === undefined ? undefined : encodeProfile(profile),
    searchable,
    lifeMs,
    former,
  };
}

/** @throws OptionError */
export function checkSearch(prefix: unknown, most: number | undefined): { prefix: string; most?: number } {
  if (typeof prefix !== 'string') throw new OptionError(`prefix must be text, not ${shown(prefix)}.`);
  if (most !== undefined) checkNumber('most', most, 1, MAX_SEARCH_RESULTS);
  const folded = prefix.trim().toLowerCase().normalize('NFC');
  if ([...folded].length < MIN_NAME_CHARACTERS || utf8Length(folded) > MAX_NAME_BYTES) {
    throw new OptionError(
      `prefix must have ${MIN_NAME_CHARACTERS} characters to ${MAX_NAME_BYTES} bytes, not ${shown(prefix)}.`,
    );
  }
  return { prefix: folded, ...(most === undefined ? {} : { most }) };
}

function encodeProfile(profile: unknown): Uint8Array {
  if (typeof profile !== 'object' || profile === null || Array.isArray(profile)) {
    throw new OptionError(`profile must be an object, not ${shown(profile)}.`);
  }
  let text: string | undefined;
  try {
    text = JSON.stringify(profile);
  } catch (cause) {
    throw new OptionError(`profile cannot be written as JSON: ${(cause as Error).message}.`, { cause });
  }
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > MAX_PROFILE_BYTES) {
    throw new OptionError(
      `profile has ${bytes.length} bytes as JSON; at most ${MAX_PROFILE_BYTES} are allowed.`,
    );
  }
  return bytes;
}

/** Base64 alone begins with a hyphen once in 64 times, and a command line takes that for a flag. */
const TRANSFER_PREFIX = 'transfer.';

/** What `peer.transfer` gives, and `publish` takes. @param former the record of who hands a name over. */
export function transferText(former: Uint8Array): string {
  return TRANSFER_PREFIX + base64urlnopad.encode(former);
}

function checkTransfer(transfer: unknown, ownKey: Uint8Array, verify: Verify): Uint8Array {
  const { bytes, heir } = readTransfer(transfer);
  if (heir === undefined || !sameBytes(heir, ownKey)) {
    throw new OptionError('transfer hands a name to another peer than this one.');
  }
  if (!recordSignatureHolds(bytes, verify)) throw new OptionError('The signature in transfer does not hold.');
  return bytes;
}

function readTransfer(transfer: unknown): { bytes: Uint8Array; heir: Uint8Array | undefined } {
  if (typeof transfer !== 'string') throw new OptionError(`transfer must be text, not ${shown(transfer)}.`);
  try {
    const text = transfer.trim();
    if (!text.startsWith(TRANSFER_PREFIX)) throw new TypeError(`It does not begin with ${TRANSFER_PREFIX}`);
    const bytes = base64urlnopad.decode(text.slice(TRANSFER_PREFIX.length));
    return { bytes, heir: parseRecord(bytes).heir };
  } catch (cause) {
    throw new OptionError(`transfer is not a text of peer.transfer: ${shown(transfer)}.`, { cause });
  }
}
