/**
 * Who may see a peer and who may reach it. The peer's policy says everyone, contacts (the keys on its list of the
 * allowed) or nobody; keys on its list of the blocked are nobody. A peer always sees itself.
 */
import type { Audience } from '../protocol/directory-ops.ts';
import { MAX_KEYS_PER_FRAME, MAX_LIST_KEYS } from '../protocol/limits.ts';
import type { ReadAnswers, ReadAsk, WriteAnswers, WriteAsk } from '../threads/directory-messages.ts';
import { sameBytes } from './bytes.ts';
import { Refusal } from './refusal.ts';
import type { Room } from './room.ts';
import {
  encodePolicy,
  LIST_ALLOWED,
  LIST_BLOCKED,
  listedIn,
  listKey,
  type PolicyRow,
  readPolicy,
} from './rows.ts';
import type { DirectoryStore } from './store.ts';

/** What one peer may do with regard to another, and the other's policy. */
export interface Leave {
  see: boolean;
  reach: boolean;
  policy: PolicyRow;
}

type PolicySet = Extract<WriteAsk, { t: 'policy-set' }>;
type PolicyGet = Extract<ReadAsk, { t: 'policy' }>;

export class Policies {
  readonly #store: DirectoryStore;
  readonly #room: Room;

  constructor(store: DirectoryStore, room: Room) {
    this.#store = store;
    this.#room = room;
  }

  /** Always three reads, whatever they say: the time that it takes tells nothing. */
  leave(asker: Uint8Array, peer: Uint8Array): Leave {
    const { lists } = this.#store.tables;
    const policy = this.of(peer);
    const isAllowed = lists.has(listKey(peer, LIST_ALLOWED, asker));
    const isBlocked = lists.has(listKey(peer, LIST_BLOCKED, asker));
    const isSelf = sameBytes(asker, peer);
    return {
      see: isSelf || (!isBlocked && admits(policy.visibility, isAllowed)),
      reach: isSelf || (!isBlocked && admits(policy.reach, isAllowed)),
      policy,
    };
  }

  of(peer: Uint8Array): PolicyRow {
    return readPolicy(this.#store.tables.policies.get(peer));
  }

  /** Whether everyone may see and reach the peer, and it blocks nobody. */
  isPlain(peer: Uint8Array): boolean {
    return isPlain(this.of(peer));
  }

  read({ peer, list, after }: PolicyGet): ReadAnswers['policy'] {
    const { visibility, reach } = this.of(peer);
    if (list === null) return { visibility, reach, keys: [], more: false };
    const number = list === 'allowed' ? LIST_ALLOWED : LIST_BLOCKED;
    const keys: Uint8Array[] = [];
    const range = this.#store.tables.lists.range({
      from: listKey(peer, number, after ?? undefined),
      before: listKey(peer, number + 1),
      // One to know whether there are more, and one that is `after` itself.
      most: MAX_KEYS_PER_FRAME + 2,
    });
    for (const [key] of range) {
      const listed = listedIn(key);
      if (after === null || !sameBytes(listed, after)) keys.push(listed);
    }
    const more = keys.length > MAX_KEYS_PER_FRAME;
    return { visibility, reach, keys: keys.slice(0, MAX_KEYS_PER_FRAME), more };
  }

  /**
   * Inside a transaction. Removes first, then adds: a key in both is on the list afterwards.
   * @throws Refusal `list-full`, `directory-full`.
   */
  set(ask: PolicySet): WriteAnswers['policy-set'] {
    const { lists, policies } = this.#store.tables;
    const { peer } = ask;
    const row = this.of(peer);
    const allowed = this.#change(peer, LIST_ALLOWED, ask.disallow, ask.allow, row.allowed);
    const blocked = this.#change(peer, LIST_BLOCKED, ask.unblock, ask.block, row.blocked);
    const next: PolicyRow = {
      visibility: ask.visibility ?? row.visibility,
      reach: ask.reach ?? row.reach,
      allowed: allowed.count,
      blocked: blocked.count,
    };
    // A refusal comes before the first write.
    if (isDefault(row) && !isDefault(next)) this.#room.check('policies', peer);
    for (const key of [...allowed.removed, ...blocked.removed]) lists.remove(key);
    for (const key of [...allowed.added, ...blocked.added]) lists.put(key, NOTHING);
    if (isDefault(next)) policies.remove(peer);
    else policies.put(peer, encodePolicy(next));
    return { plain: isPlain(next) };
  }

  #change(peer: Uint8Array, list: number, remove: Uint8Array[], add: Uint8Array[], count: number) {
    const { lists } = this.#store.tables;
    const added = unlike(add.map((key) => listKey(peer, list, key)));
    const removed = unlike(remove.map((key) => listKey(peer, list, key))).filter(
      (key) => lists.has(key) && !added.some((other) => sameBytes(key, other)),
    );
    const fresh = added.filter((key) => !lists.has(key));
    const after = count - removed.length + fresh.length;
    if (after > MAX_LIST_KEYS) {
      const name = list === LIST_ALLOWED ? 'allowed' : 'blocked';
      throw new Refusal('list-full', `The list of the ${name} would have ${after} keys of ${MAX_LIST_KEYS}.`);
    }
    return { removed, added: fresh, count: after };
  }
}

const NOTHING = new Uint8Array(0);

function admits(audience: Audience, isAllowed: boolean): boolean {
  return audience === 'everyone' || (audience === 'contacts' && isAllowed);
}

function isPlain(row: PolicyRow): boolean {
  return row.visibility === 'everyone' && row.reach === 'everyone' && row.blocked === 0;
}

function isDefault(row: PolicyRow): boolean {
  return isPlain(row) && row.allowed === 0;
}

/** At most a frame's worth of keys, so comparing them all with all is cheap. */
function unlike(keys: Uint8Array[]): Uint8Array[] {
  return keys.filter((key, index) => keys.findIndex((other) => sameBytes(key, other)) === index);
}
