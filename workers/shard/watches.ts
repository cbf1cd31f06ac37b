/**
 * Watch lists, and what watchers are told (docs/protocol.md §12.7).
 *
 *   news from the main thread --index--> each watcher's `due` (the last of each peer) --end of turn--> one frame
 *
 * A watcher under pressure keeps its `due` until the pressure is gone, so it never costs more than its list. Of a peer
 * that is not open to all, the directory is asked what this watcher may see; a session has one such ask under way.
 */
import { STATE_OFFLINE } from '../../core/protocol/directory-ops.ts';
import { MAX_KEYS_PER_FRAME, MAX_WATCHES_PER_SESSION } from '../../core/protocol/limits.ts';
import { OP_PRESENCE } from '../../core/protocol/ops.ts';
import { C } from '../../core/threads/counters.ts';
import type { PresenceNews, Sight } from '../../core/threads/directory-messages.ts';
import { keyText } from '../../core/threads/key-text.ts';
import { type Place, PRESENCE_PLAIN, type PresenceTable } from '../../core/threads/presence.ts';
import { stateOf } from './lookups.ts';
import { isFailure, type Requests } from './requests.ts';
import { LIVE, type Session } from './session.ts';

const BULK = 4;
/** No state yet: the first answer is under way. */
const UNTOLD = -1;

interface Watch {
  readonly id: string;
  readonly key: Uint8Array;
  /** The state that the watcher was told last. */
  told: number;
  /** Answers to `watch` under way that will tell of it: news waits for them. */
  asked: number;
  /** How many such answers there were. */
  answers: number;
}

/** A session's watches. */
export class WatchList {
  readonly watches = new Map<string, Watch>();
  /** The last news of each peer that the watcher is still to be told. */
  readonly due = new Map<string, PresenceNews>();
  /** True while the directory is asked what of its news this watcher may see. */
  asking = false;
}

export interface WatchesHost {
  readonly presence: PresenceTable;
  readonly counters: Float64Array;
  readonly requests: Requests;
  /** Asks for a turn: `flush` will be called. */
  schedule(): void;
}

export class Watches {
  readonly #host: WatchesHost;
  readonly #place: Place = { shard: 0, slot: 0, generation: 0, flags: 0 };
  /** Who watches a peer. */
  readonly #watchers = new Map<string, Set<Session>>();
  /** Sessions with something due. */
  #due = new Set<Session>();
  /** Those that must wait: under pressure, or the directory failed. Looked at again by `retry`. */
  readonly #held = new Set<Session>();

  constructor(host: WatchesHost) {
    this.#host = host;
  }

  // --- what a peer asks -------------------------------------------------------------------------------------------

  watch(session: Session, requestId: number, peers: Uint8Array[]): void {
    const { requests, counters } = this.#host;
    session.watches ??= new WatchList();
    const { watches } = session.watches;
    const ids = peers.map(keyText);
    const added = new Set(ids.filter((id) => !watches.has(id)));
    if (watches.size + added.size > MAX_WATCHES_PER_SESSION) {
      const message = `A session may watch at most ${MAX_WATCHES_PER_SESSION} peers.`;
      requests.fail(session, requestId, 'too-many-watches', message);
      return;
    }
    // Before the first states are read, so that no change falls between them and the news.
    counters[C.watches]! += added.size;
    const asked = peers.map((key, i) => watches.get(ids[i]!) ?? this.#add(session, ids[i]!, key));
    const sights = peers.map((key) => this.#sightOf(key));
    const unsure = peers.filter((_, i) => sights[i] === null);
    if (unsure.length === 0) {
      this.#tellFirst(session, requestId, asked, sights as Sight[]);
      return;
    }
    for (const watch of asked) watch.asked++;
    const done = (): void => {
      for (const watch of asked) watch.asked--;
      if (session.watches!.due.size > 0) this.#markDue(session);
    };
    requests.ask<'see'>(
      session,
      requestId,
      { t: 'see', asker: session.key!, peers: unsure },
      (answer) => {
        done();
        let next = 0;
        const seen = sights.map((sight) => sight ?? answer.sights[next++]!);
        this.#tellFirst(session, requestId, asked, seen);
      },
      () => {
        done();
        // Those that are told by another request stay.
        for (const watch of asked)
          if (watch.told === UNTOLD && watch.asked === 0) this.#drop(session, watch.id);
      },
    );
  }

  unwatch(session: Session, peers: Uint8Array[]): void {
    for (const peer of peers) this.#drop(session, keyText(peer));
  }

  /** The session is over. */
  forget(session: Session): void {
    if (session.watches === null) return;
    for (const id of [...session.watches.watches.keys()]) this.#drop(session, id);
    session.watches = null;
    this.#due.delete(session);
    this.#held.delete(session);
  }

  // --- what happens ------------------------------------------------------------------------------------------------

  news(changes: PresenceNews[]): void {
    for (const change of changes) {
      const id = keyText(change.peer);
      for (const session of this.#watchers.get(id) ?? []) {
        session.watches!.due.set(id, change);
        this.#markDue(session);
      }
    }
  }

  /** Tells watchers what is due. Once per turn. */
  flush(): void {
    if (this.#due.size === 0) return;
    const sessions = this.#due;
    this.#due = new Set();
    for (const session of sessions) this.#tell(session);
  }

  /** Looks again at those that had to wait. Now and then. */
  retry(): void {
    for (const session of this.#held) this.#markDue(session);
    this.#held.clear();
  }

  #tell(session: Session): void {
    const list = session.watches;
    if (session.state !== LIVE || list === null) return;
    if (session.queue !== null) {
      this.#held.add(session);
      return;
    }
    const told: { watch: Watch; sight: Sight }[] = [];
    const unsure: Watch[] = [];
    for (const [id, news] of list.due) {
      if (told.length === MAX_KEYS_PER_FRAME) {
        this.#markDue(session);
        break;
      }
      const watch = list.watches.get(id)!;
      if (watch.asked > 0) continue;
      const sight = this.#sightOf(watch.key, news);
      if (sight !== null) {
        list.due.delete(id);
        if (sight.state !== watch.told) told.push({ watch, sight });
      } else if (!list.asking && unsure.length < MAX_KEYS_PER_FRAME) unsure.push(watch);
    }
    this.#push(session, told);
    if (unsure.length > 0) this.#see(session, list, unsure);
  }

  /** Asks what the session may see of peers that not everyone may see. */
  #see(session: Session, list: WatchList, unsure: Watch[]): void {
    const asked = unsure.map((watch) => {
      const news = list.due.get(watch.id)!;
      list.due.delete(watch.id);
      return { watch, news, answers: watch.answers };
    });
    list.asking = true;
    const peers = unsure.map(({ key }) => key);
    this.#host.requests.asks.ask<'see'>(session, { t: 'see', asker: session.key!, peers }, (answer) => {
      list.asking = false;
      const failed = isFailure(answer);
      const hold = failed || session.queue !== null;
      const told: { watch: Watch; sight: Sight }[] = [];
      asked.forEach(({ watch, news, answers }, i) => {
        if (list.watches.get(watch.id) !== watch) return;
        // A first answer that was asked for later tells something newer than this.
        if (hold || watch.asked > 0 || watch.answers !== answers) {
          if (!list.due.has(watch.id)) list.due.set(watch.id, news);
        } else if (!failed && answer.sights[i]!.state !== watch.told) {
          told.push({ watch, sight: answer.sights[i]! });
        }
      });
      this.#push(session, told);
      if (hold) this.#held.add(session);
      else if (list.due.size > 0) this.#markDue(session);
    });
  }

  // --- frames ----------------------------------------------------------------------------------------------------------

  #tellFirst(session: Session, requestId: number, watches: Watch[], sights: Sight[]): void {
    const states = watches.map((watch, i) => {
      watch.told = sights[i]!.state;
      watch.answers++;
      return stateBody(watch.key, sights[i]!);
    });
    this.#host.requests.answer(session, OP_PRESENCE, requestId, { states });
  }

  #push(session: Session, told: { watch: Watch; sight: Sight }[]): void {
    if (told.length === 0) return;
    const states = told.map(({ watch, sight }) => {
      watch.told = sight.state;
      return stateBody(watch.key, sight);
    });
    this.#host.counters[C.presencePushed]! += states.length;
    this.#host.requests.answer(session, OP_PRESENCE, 0, { states }, BULK);
  }

  /** What everyone may see of the peer now; null: it takes the directory to say what this watcher may. */
  #sightOf(key: Uint8Array, news?: PresenceNews): Sight | null {
    if (this.#host.presence.find(key, this.#place)) {
      const { flags } = this.#place;
      return (flags & PRESENCE_PLAIN) === 0 ? null : { state: stateOf(flags) };
    }
    if (news === undefined || !news.plain || news.state !== STATE_OFFLINE) return null;
    return news.seenMs === undefined
      ? { state: STATE_OFFLINE }
      : { state: STATE_OFFLINE, seenMs: news.seenMs };
  }

  // --- lists -----------------------------------------------------------------------------------------------------------

  #add(session: Session, id: string, peer: Uint8Array): Watch {
    // A copy: the frame that it came in has up to 31 others, which may not be watched for as long.
    const watch: Watch = { id, key: peer.slice(), told: UNTOLD, asked: 0, answers: 0 };
    session.watches!.watches.set(id, watch);
    const watchers = this.#watchers.get(id);
    if (watchers) watchers.add(session);
    else this.#watchers.set(id, new Set([session]));
    return watch;
  }

  #drop(session: Session, id: string): void {
    const list = session.watches;
    if (list === null || !list.watches.delete(id)) return;
    list.due.delete(id);
    this.#host.counters[C.watches]!--;
    const watchers = this.#watchers.get(id)!;
    watchers.delete(session);
    if (watchers.size === 0) this.#watchers.delete(id);
  }

  #markDue(session: Session): void {
    this.#due.add(session);
    this.#host.schedule();
  }
}

function stateBody(peer: Uint8Array, { state, seenMs }: Sight): Sight & { peer: Uint8Array } {
  return seenMs === undefined ? { peer, state } : { peer, state, seenMs };
}
