/**
 * A relay's directory, on the main thread: where the store is, the pool that works on it, and the desks that take asks
 * to the pool and news to the shards. Without a directory only the pool is here, to check login proofs.
 */
import type { MessagePort } from 'node:worker_threads';
import { type DirectoryPlace, openPlace } from '../directory/place.ts';
import { C, countersOf } from '../threads/counters.ts';
import type { ShardAsk } from '../threads/directory-messages.ts';
import type { LoginProof, PresenceChange, ProofAnswer, ToShard } from '../threads/messages.ts';
import { PresenceTable } from '../threads/presence.ts';
import { type DeskNumbers, DirectoryDesk } from './directory-desk.ts';
import { DirectoryThreads } from './directory-threads.ts';
import { inTime } from './in-time.ts';
import { CLOSE_WAIT_MS, TROUBLE_EVERY_MS } from './limits.ts';
import { IN_MEMORY, type ResolvedOptions } from './options.ts';
import { PresenceNewsRound } from './presence-news.ts';
import type { Shared } from './threads.ts';

export interface RelayDirectoryHost {
  readonly options: ResolvedOptions;
  readonly shared: Shared;
  readonly relayKey: Uint8Array;
  tell(shard: number, message: ToShard): void;
  connectReader(shard: number, port: MessagePort): void;
  warn(code: string, message: string): void;
}

export class RelayDirectory {
  readonly #host: RelayDirectoryHost;
  readonly #place: DirectoryPlace | null;
  readonly #threads: DirectoryThreads;
  readonly #desk: DirectoryDesk | null;
  readonly #news: PresenceNewsRound;
  /** When each kind of trouble was last told to the operator. */
  readonly #told = new Map<string, number>();

  /**
   * Makes the store's place ready and starts the pool.
   * @throws SupernodeError `directory-in-use`, `directory-corrupt`, `directory-version`, `directory-full` or
   *   `directory-unavailable`; nothing is left open then.
   */
  static async open(host: RelayDirectoryHost): Promise<RelayDirectory> {
    const { directory, port } = host.options;
    if (directory === null) return new RelayDirectory(host, null);
    const { path, maxBytes } = directory;
    const place = await openPlace(
      path === IN_MEMORY ? path : { ...(path === null ? {} : { path }), maxBytes },
      port,
    );
    return new RelayDirectory(host, place);
  }

  private constructor(host: RelayDirectoryHost, place: DirectoryPlace | null) {
    const { options, shared, relayKey } = host;
    const { presence, versions, directoryTasks: gate } = shared;
    const { maxBytes = 0, maxRecords = 0, recordTtlMs = 0 } = options.directory ?? {};
    this.#host = host;
    this.#place = place;
    const store = place && { path: place.path, durable: place.durable, maxBytes };
    this.#threads = new DirectoryThreads(
      { relayKey, store, presence, versions, gate, recordTtlMs, maxRecords },
      (error) => this.trouble('directory-unavailable', `A thread of the directory ended: ${error.message}`),
    );
    const table = new PresenceTable(presence);
    const counters = Array.from({ length: options.shards }, (_, shard) => countersOf(shared.counters, shard));
    this.#news = new PresenceNewsRound({
      presence: table,
      shards: options.shards,
      isWatching: (shard) => counters[shard]![C.watches]! > 0,
      tell: (shard, changes) => host.tell(shard, { kind: 'presence', changes }),
    });
    this.#desk =
      place &&
      new DirectoryDesk({
        presence: table,
        write: (asks) => this.#threads.write(asks),
        answer: (shard, answers) => host.tell(shard, { kind: 'answers', answers }),
        news: host.tell,
        policyChanged: (peer) => this.#news.changed(peer, false),
        trouble: (code, message) => this.trouble(code, message),
      });
  }

  /**
   * Resolves when every thread has the store open.
   * @throws SupernodeError `directory-corrupt`, `directory-full` or `directory-unavailable`.
   */
  async ready(): Promise<void> {
    await this.#threads.open();
    if (this.#desk === null) return;
    const { options, connectReader } = this.#host;
    this.#threads.serveReads(options.shards, connectReader);
  }

  /** `path` is null when nothing is kept. */
  get info(): { path: string | null; durable: boolean } | null {
    return (
      this.#place && { path: this.#place.durable ? this.#place.path : null, durable: this.#place.durable }
    );
  }

  get numbers(): DeskNumbers | null {
    return this.#desk?.numbers ?? null;
  }

  verify(proofs: LoginProof[]): Promise<ProofAnswer[]> {
    return this.#threads.verify(proofs);
  }

  /** Who has the name, as far as everyone may know; null: nobody, or the directory could not be read. */
  async ownerOf(name: string): Promise<Uint8Array | null> {
    if (this.#desk === null) return null;
    const asker = this.#host.relayKey;
    const { answers } = await this.#threads.read([{ t: 'lookup', asker, name, record: false }]);
    const [answer] = answers;
    return answer?.t === 'lookup' && !('failed' in answer) ? answer.peer : null;
  }

  take(shard: number, asks: ShardAsk[]): void {
    this.#desk?.take(shard, asks);
  }

  /** The operator hears of it, unless he has just heard the same. */
  trouble(code: string, message: string): void {
    const now = performance.now();
    if (now - (this.#told.get(code) ?? Number.NEGATIVE_INFINITY) < TROUBLE_EVERY_MS) return;
    this.#told.set(code, now);
    this.#host.warn(code, message);
  }

  /** A peer came, left, went away or came back. */
  changed(change: PresenceChange): void {
    if (this.#desk === null) return;
    if (change.came !== undefined) this.#desk.seen(change.peer);
    this.#news.changed(change.peer, change.came === null && change.plain);
  }

  /** After the shards have ended. A write that the disk holds up is not waited for: its threads end when it does. */
  async close(): Promise<void> {
    this.#news.stop();
    const deskClosed = this.#desk?.close() ?? Promise.resolve();
    const ended = deskClosed.then(() => this.#threads.close());
    if (await inTime(deskClosed, CLOSE_WAIT_MS)) await ended;
    await this.#place?.release();
  }
}
