/**
 * What one peer may learn of another. For a peer that hides and one that does not exist the same rows are read, and the
 * answer is the same: what differs is decided at the end, on values.
 */
import { STATE_AWAY, STATE_OFFLINE, STATE_ONLINE } from '../protocol/directory-ops.ts';
import { KEY_BYTES } from '../protocol/peer-id.ts';
import type { ReadAnswers, ReadAsk, Sight } from '../threads/directory-messages.ts';
import { type Place, PRESENCE_AWAY, type PresenceTable } from '../threads/presence.ts';
import { sameBytes } from './bytes.ts';
import type { Policies } from './policies.ts';
import { recordExpiresMs } from './record.ts';
import { Refusal } from './refusal.ts';
import { readU64 } from './rows.ts';
import { utf8Bytes } from './signed.ts';
import type { SnapshotVersions } from './snapshot-versions.ts';
import type { DirectoryStore } from './store.ts';

/** Who stands for the owner of a name that nobody has. */
const NOBODY = new Uint8Array(KEY_BYTES);

/** What the store and the presence table say of a peer, whoever asks. */
export interface Standing {
  /** As stored, be it expired. */
  record: Uint8Array | undefined;
  isExpired: boolean;
  state: number;
  seenMs: number | undefined;
  /** Has a record that has not expired, and is here or was lately. */
  isFindable: boolean;
}

type Lookup = Extract<ReadAsk, { t: 'lookup' }>;

export class Lookups {
  readonly #store: DirectoryStore;
  readonly #policies: Policies;
  readonly #presence: PresenceTable;
  readonly #versions: SnapshotVersions;
  readonly #recordTtlMs: number;
  readonly #place: Place = { shard: 0, slot: 0, generation: 0, flags: 0 };

  constructor(
    store: DirectoryStore,
    policies: Policies,
    presence: PresenceTable,
    versions: SnapshotVersions,
    recordTtlMs: number,
  ) {
    this.#store = store;
    this.#policies = policies;
    this.#presence = presence;
    this.#versions = versions;
    this.#recordTtlMs = recordTtlMs;
  }

  /** @throws Refusal `not-found`: there is none, or it hides from the asker. */
  lookup({ asker, peer, name, record: withRecord }: Lookup, nowMs: number): ReadAnswers['lookup'] {
    const nameVersion = name === undefined ? undefined : this.#versions.of(name);
    const owner = peer ?? this.#store.tables.names.get(utf8Bytes(name ?? ''));
    const target = owner ?? NOBODY;
    const version = this.#versions.of(target);
    const standing = this.standing(target, nowMs);
    const leave = this.#policies.leave(asker, target);
    const isSelf = sameBytes(asker, target);
    // Who is here without a record is found by key; a name is the record's.
    const isHere = peer !== undefined && standing.state !== STATE_OFFLINE;
    const isForOthers = standing.isFindable || isHere;
    const isFound = owner !== undefined && (isSelf || (leave.see && isForOthers));
    if (!isFound) {
      throw new Refusal('not-found', 'There is no such peer here, or none that this peer may see.');
    }
    const showsRecord = withRecord && standing.record !== undefined && (isSelf || !standing.isExpired);
    const isSameForAll =
      isForOthers &&
      !standing.isExpired &&
      leave.policy.visibility === 'everyone' &&
      leave.policy.blocked === 0;
    return {
      peer: target,
      ...sightOf(standing),
      ...(showsRecord && { record: standing.record! }),
      cacheable: isSameForAll && version.isExact && nameVersion?.isExact !== false,
      version: version.value,
      ...(nameVersion && { nameVersion: nameVersion.value }),
    };
  }

  /** An invisible peer is offline and was never seen, as is one that does not exist. */
  see(asker: Uint8Array, peers: Uint8Array[], nowMs: number): Sight[] {
    return peers.map((peer) => {
      const standing = this.standing(peer, nowMs);
      const { see } = this.#policies.leave(asker, peer);
      return see ? sightOf(standing) : { state: STATE_OFFLINE };
    });
  }

  standing(peer: Uint8Array, nowMs: number): Standing {
    const { records, seen } = this.#store.tables;
    const record = records.get(peer);
    const row = seen.get(peer);
    const state = this.#stateOf(peer);
    const seenMs = row && readU64(row);
    const isExpired = record !== undefined && recordExpiresMs(record) <= nowMs;
    const isRecent = state !== STATE_OFFLINE || (seenMs !== undefined && seenMs > nowMs - this.#recordTtlMs);
    return { record, isExpired, state, seenMs, isFindable: record !== undefined && !isExpired && isRecent };
  }

  #stateOf(peer: Uint8Array): number {
    if (!this.#presence.find(peer, this.#place)) return STATE_OFFLINE;
    return (this.#place.flags & PRESENCE_AWAY) === 0 ? STATE_ONLINE : STATE_AWAY;
  }
}

/** When it was last here is told of who is findable, and gone. */
function sightOf({ state, seenMs, isFindable }: Standing): Sight {
  const isTold = state === STATE_OFFLINE && isFindable && seenMs !== undefined;
  return isTold ? { state, seenMs } : { state };
}
