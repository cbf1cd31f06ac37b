/** What of a publication can be checked without the store: done before its transaction, which others wait for. */
import { SupernodeError } from '../protocol/errors.ts';
import { MAX_RECORD_LIFE_MS } from '../protocol/limits.ts';
import type { WriteAsk } from '../threads/directory-messages.ts';
import { sameBytes } from './bytes.ts';
import { isNormalName } from './name.ts';
import { type PeerRecord, parseRecord, recordSignatureHolds } from './record.ts';
import { Refusal } from './refusal.ts';
import type { Verify } from './signed.ts';

export interface SignedRecord {
  record: PeerRecord;
  bytes: Uint8Array;
}

/** A record, and the one by which its name's former owner hands it over. */
export interface Publication extends SignedRecord {
  former: SignedRecord | null;
}

type Publish = Extract<WriteAsk, { t: 'publish' }>;

/** @throws Refusal `bad-record` or `bad-name`. */
export function checkPublication(ask: Publish, nowMs: number, verify: Verify): Publication {
  const published = checkRecord(ask.record, nowMs, verify);
  const { key, name } = published.record;
  if (!sameBytes(key, ask.peer)) {
    throw new Refusal(
      'bad-record',
      'The record is of another key than the session; only its own peer publishes it.',
    );
  }
  if (name !== undefined && !isNormalName(name)) {
    throw new Refusal('bad-name', `The name ${JSON.stringify(name)} is not in its normal form.`);
  }
  if (ask.former === null) return { ...published, former: null };
  const former = checkRecord(ask.former, nowMs, verify);
  if (former.record.heir === undefined || !sameBytes(former.record.heir, key)) {
    throw new Refusal('bad-record', "The former owner's record does not name this peer as the heir.");
  }
  return { ...published, former };
}

function checkRecord(bytes: Uint8Array, nowMs: number, verify: Verify): SignedRecord {
  const record = parsed(bytes);
  const lifeMs = record.expiresMs - nowMs;
  if (lifeMs <= 0) {
    throw new Refusal('bad-record', `The record expired ${-lifeMs} ms ago by the relay's clock.`);
  }
  if (lifeMs > MAX_RECORD_LIFE_MS) {
    throw new Refusal(
      'bad-record',
      `The record expires in ${lifeMs} ms; at most ${MAX_RECORD_LIFE_MS} is allowed.`,
    );
  }
  if (!recordSignatureHolds(bytes, verify)) {
    throw new Refusal('bad-record', "The record's signature is not that of its key.");
  }
  return { record, bytes };
}

function parsed(bytes: Uint8Array): PeerRecord {
  try {
    return parseRecord(bytes);
  } catch (error) {
    if (error instanceof SupernodeError) throw new Refusal('bad-record', error.message);
    throw error;
  }
}
