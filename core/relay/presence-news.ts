/**
 * Changes of presence on their way from the shards where they happened to the shards that have watchers. Gathered for
 * PRESENCE_GATHER_MS: of each peer only the last state is told, and a shard is woken once for all of them.
 */
import { STATE_AWAY, STATE_OFFLINE, STATE_ONLINE } from '../protocol/directory-ops.ts';
import { PRESENCE_GATHER_MS } from '../protocol/limits.ts';
import type { PresenceNews } from '../threads/directory-messages.ts';
import { keyText } from '../threads/key-text.ts';
import { type Place, PRESENCE_AWAY, PRESENCE_PLAIN, type PresenceTable } from '../threads/presence.ts';
import { MAX_CHANGES_GATHERED } from './limits.ts';

export interface PresenceNewsHost {
  readonly presence: PresenceTable;
  readonly shards: number;
  /** Whether somebody on the shard watches somebody. */
  isWatching(shard: number): boolean;
  tell(shard: number, changes: PresenceNews[]): void;
}

/** What is told of a peer that is not here when the news goes out. */
interface Departure {
  seenMs: number;
  plain: boolean;
}

export class PresenceNewsRound {
  readonly #host: PresenceNewsHost;
  readonly #place: Place = { shard: 0, slot: 0, generation: 0, flags: 0 };
  #changed = new Map<string, { peer: Uint8Array; departure: Departure }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(host: PresenceNewsHost) {
    this.#host = host;
  }

  /** The peer came, left, went away or came back, or changed who may see it. `plain`: open to all, when it left. */
  changed(peer: Uint8Array, plain: boolean): void {
    // A watch is counted before its first states are read, so who begins to watch now sees this change anyway.
    if (!this.#isWatched()) return;
    this.#changed.set(keyText(peer), { peer, departure: { seenMs: Date.now(), plain } });
    // Told at once rather than dropped: it is the bound of the gathering, not of the news.
    if (this.#changed.size >= MAX_CHANGES_GATHERED) this.#tell();
    else this.#timer ??= setTimeout(() => this.#tell(), PRESENCE_GATHER_MS).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#changed.clear();
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const changes = Array.from(this.#changed.values(), ({ peer, departure }) => this.#state(peer, departure));
    this.#changed.clear();
    const { shards, isWatching, tell } = this.#host;
    for (let shard = 0; shard < shards; shard++) if (isWatching(shard)) tell(shard, changes);
  }

  #isWatched(): boolean {
    for (let shard = 0; shard < this.#host.shards; shard++) if (this.#host.isWatching(shard)) return true;
    return false;
  }

  /** As it is now: changes that overtook each other between shards end in the same state. */
  #state(peer: Uint8Array, departure: Departure): PresenceNews {
    if (!this.#host.presence.find(peer, this.#place)) return { peer, state: STATE_OFFLINE, ...departure };
    const { flags } = this.#place;
    const state = (flags & PRESENCE_AWAY) === 0 ? STATE_ONLINE : STATE_AWAY;
    return { peer, state, plain: (flags & PRESENCE_PLAIN) !== 0 };
  }
}
