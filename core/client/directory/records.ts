/** Records: publishing this peer's own, handing its name over, and looking up others. What a relay says is verified. */
import { sameBytes } from '../../directory/bytes.ts';
import {
  encodeRecord,
  type PeerRecord,
  parseRecord,
  type RecordContent,
  recordSignatureHolds,
} from '../../directory/record.ts';
import { PRESENCE_STATES, type PresenceState } from '../../protocol/directory-ops.ts';
import { SupernodeError } from '../../protocol/errors.ts';
import { MAX_SEARCH_RESULTS } from '../../protocol/limits.ts';
import { OP_LOOKUP, OP_PUBLISH, OP_SEARCH } from '../../protocol/ops.ts';
import { type PeerId, peerIdOf } from '../../protocol/peer-id.ts';
import type { Access } from './access.ts';
import { checkId, isPeerId, normalName } from './address.ts';
import {
  checkPublish,
  checkSearch,
  DEFAULT_RECORD_LIFE_MS,
  type PublishOptions,
  transferText,
} from './record-options.ts';
import type { Answer } from './requests.ts';

/** What a peer says of itself; its signature was verified. */
export interface DirectoryRecord {
  readonly id: PeerId;
  /** In normal form. Left out: the peer has none. */
  readonly name?: string;
  /** What the peer put there; {} when that is no JSON object. Its own words: check what you use. */
  readonly profile: Record<string, unknown>;
  /** Whether a search finds the name. */
  readonly searchable: boolean;
  /** Sequence number: of two records of one peer the higher is the later. */
  readonly seq: number;
  /** When the record, and with it the claim of the name, ends. */
  readonly expires: Date;
}

/** A peer that a look-up found. */
export interface Found {
  readonly id: PeerId;
  readonly state: PresenceState;
  /** When it was last here; only when offline. The relay's word. */
  readonly lastSeen?: Date;
  /** Left out when it was not asked for, and when the peer has published none. */
  readonly record?: DirectoryRecord;
}

export interface SearchResult {
  /** In ascending order of the names. The relay's word, unlike what a look-up finds. */
  readonly found: readonly { readonly id: PeerId; readonly name: string }[];
  /** There are others: ask for a longer prefix. */
  readonly more: boolean;
}

/** Another device may publish in between: then the new record is made again, on top of that device's. */
const PUBLISH_ATTEMPTS = 4;
/** An expired record is believed for this long, in case this clock is the one that is wrong. */
const CLOCK_TOLERANCE_MS = 3_600_000;

export class Records {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  async publish(options: PublishOptions, signal: AbortSignal | undefined): Promise<DirectoryRecord> {
    const { identity, verify } = this.#access;
    const change = await checkPublish(options, identity.publicKey, verify);
    for (let attempt = 1; ; attempt++) {
      const current = await this.#own(signal);
      const record = encodeRecord(identity, {
        seq: (current?.seq ?? 0) + 1,
        expiresMs: Date.now() + change.lifeMs,
        searchable: change.searchable ?? current?.searchable ?? false,
        name: change.name === undefined ? current?.name : (change.name ?? undefined),
        profile: change.profile ?? current?.profile ?? new Uint8Array(0),
      });
      try {
        await this.#access.ask(OP_PUBLISH, { record, former: change.former }, { signal });
        return recordOf(parseRecord(record));
      } catch (error) {
        if (!isCode(error, 'stale-record') || attempt === PUBLISH_ATTEMPTS) throw error;
      }
    }
  }

  async transfer(to: unknown): Promise<string> {
    const { publicKey } = checkId('to', to);
    const current = await this.#own(undefined);
    if (current?.name === undefined) {
      throw new SupernodeError('not-found', 'This peer has no name that it could hand over.');
    }
    const former: RecordContent = {
      seq: current.seq + 1,
      expiresMs: Date.now() + DEFAULT_RECORD_LIFE_MS,
      searchable: false,
      heir: publicKey,
      profile: current.profile,
    };
    return transferText(encodeRecord(this.#access.identity, former));
  }

  async lookup(nameOrId: string, record: boolean, signal: AbortSignal | undefined): Promise<Found | null> {
    try {
      if (typeof nameOrId === 'string' && isPeerId(nameOrId)) {
        const { id, publicKey } = checkId('nameOrId', nameOrId);
        return this.#found(await this.#ask({ peer: publicKey, record }, signal), id, publicKey);
      }
      const name = await normalName(nameOrId);
      return this.#foundByName(await this.#ask({ name, record }, signal), name, record);
    } catch (error) {
      if (isCode(error, 'not-found')) return null;
      throw error;
    }
  }

  /**
   * Whose key a name or id is; that of a name is proved by the owner's record.
   * @throws SupernodeError `not-found`, and what lookup throws.
   */
  async keyOf(nameOrId: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
    if (typeof nameOrId !== 'string' || isPeerId(nameOrId)) return checkId('to', nameOrId).publicKey;
    const found = await this.lookup(nameOrId, true, signal);
    if (found !== null) return checkId('to', found.id).publicKey;
    throw new SupernodeError('not-found', `Nobody has the name "${nameOrId}", or may be found by it.`);
  }

  async search(
    prefix: string,
    most: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<SearchResult> {
    const body = checkSearch(prefix, most);
    const { found, more } = await this.#access.ask(OP_SEARCH, body, { signal });
    if (found.length > (body.most ?? MAX_SEARCH_RESULTS))
      throw badRelay('with more results than were asked for');
    return { found: found.map(({ peer, name }) => ({ id: peerIdOf(peer), name })), more };
  }

  #ask(
    body: { peer?: Uint8Array; name?: string; record: boolean },
    signal: AbortSignal | undefined,
  ): Promise<Answer<typeof OP_LOOKUP>> {
    return this.#access.ask(OP_LOOKUP, body, { signal });
  }

  /** This peer's record at the relay. */
  async #own(signal: AbortSignal | undefined): Promise<PeerRecord | undefined> {
    const { publicKey } = this.#access.identity;
    try {
      const { record } = await this.#ask({ peer: publicKey, record: true }, signal);
      return record === undefined ? undefined : this.#verified(record, publicKey);
    } catch (error) {
      if (isCode(error, 'not-found')) return undefined;
      throw error;
    }
  }

  #foundByName(body: Answer<typeof OP_LOOKUP>, name: string, record: boolean): Found {
    if (body.peer === undefined) throw badRelay('to a look-up by name without a key');
    const found = this.#found(body, peerIdOf(body.peer), body.peer);
    if (record && found.record?.name !== name) {
      throw badRecord(`it is not one with the name "${name}"`);
    }
    return found;
  }

  #found({ state, seenMs, record }: Answer<typeof OP_LOOKUP>, id: PeerId, key: Uint8Array): Found {
    return {
      id,
      state: PRESENCE_STATES[state]!,
      ...(seenMs === undefined ? {} : { lastSeen: new Date(seenMs) }),
      ...(record === undefined ? {} : { record: recordOf(this.#verified(record, key)) }),
    };
  }

  /** @throws SupernodeError `bad-record`. */
  #verified(bytes: Uint8Array, key: Uint8Array): PeerRecord {
    const record = parsed(bytes);
    if (!sameBytes(record.key, key)) throw badRecord('it is of another key');
    if (!recordSignatureHolds(bytes, this.#access.verify)) throw badRecord('its signature does not hold');
    const isOwn = sameBytes(key, this.#access.identity.publicKey);
    if (!isOwn && record.expiresMs + CLOCK_TOLERANCE_MS <= Date.now()) throw badRecord('it has expired');
    return record;
  }
}

function recordOf({ key, name, profile, searchable, seq, expiresMs }: PeerRecord): DirectoryRecord {
  return {
    id: peerIdOf(key),
    ...(name === undefined ? {} : { name }),
    profile: profileOf(profile),
    searchable,
    seq,
    expires: new Date(expiresMs),
  };
}

function profileOf(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // Another client may put there what it likes.
  }
  return {};
}

function parsed(bytes: Uint8Array): PeerRecord {
  try {
    return parseRecord(bytes);
  } catch (cause) {
    throw badRecord('it cannot be read', cause);
  }
}

function isCode(error: unknown, code: SupernodeError['code']): boolean {
  return error instanceof SupernodeError && error.code === code;
}

function badRecord(what: string, cause?: unknown): SupernodeError {
  return new SupernodeError('bad-record', `The relay answered with a record that does not verify: ${what}.`, {
    cause,
  });
}

function badRelay(what: string): SupernodeError {
  return new SupernodeError('bad-relay', `The relay answered ${what}.`);
}
