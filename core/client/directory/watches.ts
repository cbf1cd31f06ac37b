/** Who is watched, and what was last heard of each. The list outlives connections: each session is asked again. */
import type { Body } from '../../protocol/control.ts';
import { PRESENCE_STATES, type PresenceState } from '../../protocol/directory-ops.ts';
import { OptionError, SupernodeError } from '../../protocol/errors.ts';
import { MAX_KEYS_PER_FRAME, MAX_WATCHES_PER_SESSION } from '../../protocol/limits.ts';
import { type OP_PRESENCE, OP_STATUS, OP_UNWATCH, OP_WATCH } from '../../protocol/ops.ts';
import { type PeerId, peerIdOf } from '../../protocol/peer-id.ts';
import { shown } from '../checks.ts';
import type { Access } from './access.ts';
import { checkIds } from './address.ts';
import { inChunks } from './chunks.ts';
import { persist } from './persist.ts';

/** What is known of a peer that is watched. */
export interface Presence {
  readonly id: PeerId;
  /** `offline` also when it hides from this peer, and when there is no such peer. */
  readonly state: PresenceState;
  /** When it was last here; only when offline, and only if this peer may know. */
  readonly lastSeen?: Date;
}

type States = Body<typeof OP_PRESENCE>['states'];

interface Watched {
  key: Uint8Array;
  /** undefined until the relay has said something. */
  last: Presence | undefined;
}

export class Watches {
  readonly #access: Access;
  readonly #changed: (presence: Presence) => void;
  readonly #watched = new Map<PeerId, Watched>();
  #away = false;

  /** @param changed told about each change but the answers to `watch` themselves. Must not throw. */
  constructor(access: Access, changed: (presence: Presence) => void) {
    this.#access = access;
    this.#changed = changed;
  }

  async watch(ids: Iterable<string>): Promise<Presence[]> {
    const keys = checkIds('ids', ids);
    const session = this.#access.requireSession();
    const fresh = [...keys.keys()].filter((id) => !this.#watched.has(id));
    if (this.#watched.size + fresh.length > MAX_WATCHES_PER_SESSION) throw tooMany();
    for (const id of fresh) this.#watched.set(id, { key: keys.get(id)!, last: undefined });
    try {
      const parts = inChunks([...keys.values()], MAX_KEYS_PER_FRAME).map(async (peers) => {
        let presences: Presence[] = [];
        await session.requests.ask(
          OP_WATCH,
          { peers },
          {
            answered: ({ states }) => {
              presences = this.#note(states);
            },
          },
        );
        return presences;
      });
      const known = new Map((await Promise.all(parts)).flat().map((presence) => [presence.id, presence]));
      return [...keys.keys()].map((id) => known.get(id) ?? { id, state: 'offline' });
    } catch (error) {
      // Refused, or lost: as before the call. Some may be on the relay's list already.
      this.#forget(new Map(fresh.map((id) => [id, keys.get(id)!])));
      throw error;
    }
  }

  unwatch(ids: Iterable<string>): void {
    this.#forget(checkIds('ids', ids));
  }

  setAway(away: boolean): void {
    if (typeof away !== 'boolean') throw new OptionError(`away must be true or false, not ${shown(away)}.`);
    this.#away = away;
    this.#access.tell(OP_STATUS, { away });
  }

  /** The relay tells of changes. */
  pushed({ states }: Body<typeof OP_PRESENCE>): void {
    this.#tell(states);
  }

  /** There is a new session, which knows of nothing yet. */
  async reconnected(): Promise<void> {
    if (this.#away) this.#access.tell(OP_STATUS, { away: true });
    if (this.#watched.size === 0) return;
    const { requests } = this.#access.requireSession();
    const keys = [...this.#watched.values()].map(({ key }) => key);
    const answered = ({ states }: { states: States }): void => this.#tell(states);
    const restores = inChunks(keys, MAX_KEYS_PER_FRAME).map((all) =>
      persist(
        async () => {
          // Some may have been unwatched meanwhile.
          const peers = all.filter((key) => this.#watched.has(peerIdOf(key)));
          if (peers.length > 0) await requests.ask(OP_WATCH, { peers }, { answered });
        },
        () => this.#access.isClosed,
      ),
    );
    // A relay that refuses for good, as one without a directory does, tells of nobody; the next may.
    await Promise.allSettled(restores);
  }

  #forget(keys: Map<PeerId, Uint8Array>): void {
    const peers = [...keys].filter(([id]) => this.#watched.delete(id)).map(([, key]) => key);
    for (const some of inChunks(peers, MAX_KEYS_PER_FRAME)) this.#access.tell(OP_UNWATCH, { peers: some });
  }

  #tell(states: States): void {
    const before = new Map([...this.#watched].map(([id, { last }]) => [id, last]));
    for (const presence of this.#note(states)) {
      if (!isSame(before.get(presence.id), presence)) this.#changed(presence);
    }
  }

  /** @returns what is news of peers that are watched. */
  #note(states: States): Presence[] {
    const noted: Presence[] = [];
    for (const { peer, state, seenMs } of states) {
      const id = peerIdOf(peer);
      const watched = this.#watched.get(id);
      if (watched === undefined) continue;
      watched.last = {
        id,
        state: PRESENCE_STATES[state]!,
        ...(seenMs === undefined ? {} : { lastSeen: new Date(seenMs) }),
      };
      noted.push(watched.last);
    }
    return noted;
  }
}

function isSame(a: Presence | undefined, b: Presence): boolean {
  return a?.state === b.state && a.lastSeen?.getTime() === b.lastSeen?.getTime();
}

function tooMany(): SupernodeError {
  return new SupernodeError(
    'too-many-watches',
    `At most ${MAX_WATCHES_PER_SESSION} peers can be watched; unwatch some.`,
  );
}
