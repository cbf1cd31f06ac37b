/** A directory on a real store, with peers, a clock that is set by hand, and a presence table. */
import { randomBytes } from 'node:crypto';
import { Directory } from '../../core/directory/directory.ts';
import { encodeRecord, type RecordContent } from '../../core/directory/record.ts';
import type { DirectoryStore } from '../../core/directory/store.ts';
import { sealVault } from '../../core/directory/vault.ts';
import { type Identity, identityFromSeed } from '../../core/identity/identity.ts';
import { verifySignature } from '../../core/identity/verify.ts';
import type { ReadAnswer, ReadAsk, WriteAnswer, WriteAsk } from '../../core/threads/directory-messages.ts';
import { createPresence, PresenceTable } from '../../core/threads/presence.ts';
import { createVersions, Versions } from '../../core/threads/versions.ts';
import { ObservedStore } from './observed-store.ts';
import { freshPath, openStore } from './store-fixture.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const START_MS = Date.UTC(2026, 0, 1);
export const TTL_MS = 72 * HOUR_MS;

export type Answered<T> = Exclude<T, { failed: unknown }>;

/** The same peers in every run. */
export function identity(number: number): Identity {
  const seed = new Uint8Array(32);
  new DataView(seed.buffer).setUint32(0, number + 1);
  return identityFromSeed(seed);
}

export function messageId(number: number): Uint8Array {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setUint32(12, number);
  return id;
}

export class World {
  readonly path = freshPath();
  readonly presence = new PresenceTable(createPresence(64, randomBytes(32)));
  readonly versions = new Versions(createVersions());
  readonly faults: unknown[] = [];
  nowMs = START_MS;
  store!: ObservedStore;
  directory!: Directory;
  readonly #maxRecords: number;
  #slots = 0;

  constructor(options: { maxRecords?: number; store?: DirectoryStore } = {}) {
    this.#maxRecords = options.maxRecords ?? 1_000;
    this.#open(options.store ?? openStore(this.path));
  }

  /** As after a restart of the relay: what is not in the store is gone. */
  async reopen(): Promise<void> {
    await this.store.close();
    this.#open(openStore(this.path));
  }

  #open(store: DirectoryStore): void {
    this.store = new ObservedStore(store);
    this.directory = new Directory(this.store, {
      presence: this.presence,
      versions: this.versions,
      recordTtlMs: TTL_MS,
      maxRecords: this.#maxRecords,
      now: () => this.nowMs,
      verify: verifySignature,
      onFault: (error) => this.faults.push(error),
    });
  }

  /** In a run of the event loop of its own, as a task of the pool is: the store shows one snapshot during a run. */
  async read<A extends ReadAsk>(ask: A): Promise<Extract<ReadAnswer, { t: A['t'] }>> {
    return (await this.readAll([ask]))[0] as Extract<ReadAnswer, { t: A['t'] }>;
  }

  async readAll(asks: ReadAsk[]): Promise<ReadAnswer[]> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.directory.read(asks);
  }

  write<A extends WriteAsk>(ask: A): Extract<WriteAnswer, { t: A['t'] }> {
    return this.directory.write([ask])[0] as Extract<WriteAnswer, { t: A['t'] }>;
  }

  online(peer: Identity, flags = 0): void {
    const place = { shard: 0, slot: this.#slots++, generation: 1, flags };
    this.presence.claim(peer.publicKey, place, { shard: 0, slot: 0, generation: 0, flags: 0 });
  }

  offline(peer: Identity): void {
    const place = { shard: 0, slot: 0, generation: 0, flags: 0 };
    if (this.presence.find(peer.publicKey, place)) this.presence.release(peer.publicKey, place);
  }

  record(peer: Identity, content: Partial<RecordContent> = {}): Uint8Array {
    return encodeRecord(peer, {
      seq: 1,
      expiresMs: this.nowMs + 30 * DAY_MS,
      searchable: false,
      profile: new Uint8Array(0),
      ...content,
    });
  }

  publish(peer: Identity, content: Partial<RecordContent> = {}, former: Uint8Array | null = null) {
    return this.write({
      t: 'publish',
      peer: peer.publicKey,
      record: this.record(peer, content),
      former,
    });
  }

  putVault(peer: Identity, revision: number, content = new Uint8Array(8)) {
    return this.write({ t: 'vault-put', peer: peer.publicKey, vault: sealVault(peer, revision, content) });
  }

  setPolicy(peer: Identity, change: Partial<Omit<Extract<WriteAsk, { t: 'policy-set' }>, 't' | 'peer'>>) {
    return this.write({
      t: 'policy-set',
      peer: peer.publicKey,
      allow: [],
      disallow: [],
      block: [],
      unblock: [],
      ...change,
    });
  }

  send(from: Identity, to: Identity, number: number, bytes = Uint8Array.of(number & 0xff), lifeMs = DAY_MS) {
    return this.write(this.message(from, to, number, bytes, lifeMs));
  }

  message(
    from: Identity,
    to: Identity,
    number: number,
    bytes = Uint8Array.of(number & 0xff),
    lifeMs = DAY_MS,
  ): Extract<WriteAsk, { t: 'send' }> {
    return {
      t: 'send',
      from: from.publicKey,
      to: to.publicKey,
      id: messageId(number),
      bytes,
      sentMs: this.nowMs,
      lifeMs,
    };
  }

  lookup(asker: Identity, of: Identity | string, record = true) {
    return this.read({
      t: 'lookup',
      asker: asker.publicKey,
      record,
      ...(typeof of === 'string' ? { name: of } : { peer: of.publicKey }),
    });
  }
}

/** The failure's code, or null. */
export function codeOf(answer: ReadAnswer | WriteAnswer): string | null {
  return 'failed' in answer ? answer.failed.code : null;
}

/** @throws Error when it is a failure. */
export function answered<T extends object>(answer: T): Answered<T> {
  if ('failed' in answer) throw new Error(`failed: ${JSON.stringify(answer.failed)}`);
  return answer as Answered<T>;
}
