/**
 * The directory: asks in, answers out, in order (core/threads/directory-messages.ts). An ask that fails costs no other.
 *
 * Reads look at one snapshot of the store. Writes of a batch are checked first (signatures take the time), then done in
 * one transaction, so that they share one wait for the disk; look-ups that they make stale are bumped before anybody is
 * told that they are stored.
 */
import { SupernodeError } from '../protocol/errors.ts';
import type {
  Failure,
  ReadAnswer,
  ReadAnswers,
  ReadAsk,
  WriteAnswer,
  WriteAsk,
} from '../threads/directory-messages.ts';
import type { PresenceTable } from '../threads/presence.ts';
import { policyOf, type Versions } from '../threads/versions.ts';
import { Lookups } from './lookups.ts';
import { Mailboxes } from './mailboxes.ts';
import { Policies } from './policies.ts';
import { checkPublication } from './publication.ts';
import { recordExpiresMs } from './record.ts';
import { failureOf, Refusal, storeFailure } from './refusal.ts';
import { Registry, type Touch } from './registry.ts';
import { Room } from './room.ts';
import { search } from './search.ts';
import type { Verify } from './signed.ts';
import { SnapshotVersions } from './snapshot-versions.ts';
import type { DirectoryStore } from './store.ts';
import { checkVault, Vaults } from './vaults.ts';

export interface DirectoryContext {
  presence: PresenceTable;
  versions: Versions;
  recordTtlMs: number;
  maxRecords: number;
  /** Milliseconds since 1970. */
  now(): number;
  verify: Verify;
  /** A failure of the store, or a fault of ours, that peers were told of as `directory-unavailable` or `-full`. */
  onFault?(error: unknown): void;
}

/** What is left of a write once it has been checked: run inside the transaction. */
type Change = (touch: Touch) => WriteAnswer;

export class Directory {
  readonly #store: DirectoryStore;
  readonly #context: DirectoryContext;
  readonly #versions: SnapshotVersions;
  readonly #policies: Policies;
  readonly #lookups: Lookups;
  readonly #registry: Registry;
  readonly #vaults: Vaults;
  readonly #mailboxes: Mailboxes;

  constructor(store: DirectoryStore, context: DirectoryContext) {
    this.#store = store;
    this.#context = context;
    this.#versions = new SnapshotVersions(context.versions);
    const room = new Room(store, context.maxRecords);
    this.#policies = new Policies(store, room);
    this.#lookups = new Lookups(store, this.#policies, context.presence, this.#versions, context.recordTtlMs);
    this.#registry = new Registry(store, context.maxRecords);
    this.#vaults = new Vaults(store, room);
    this.#mailboxes = new Mailboxes(store);
  }

  read(asks: ReadAsk[]): ReadAnswer[] {
    this.#versions.begin();
    const nowMs = this.#context.now();
    return asks.map((ask) => {
      try {
        return this.#answer(ask, nowMs);
      } catch (error) {
        return { t: ask.t, ...this.#failure(error) } as ReadAnswer;
      }
    });
  }

  write(asks: WriteAsk[]): WriteAnswer[] {
    const nowMs = this.#context.now();
    const answers: WriteAnswer[] = new Array(asks.length);
    const changes = new Map<number, Change>();
    for (const [index, ask] of asks.entries()) {
      try {
        changes.set(index, this.#check(ask, nowMs));
      } catch (error) {
        answers[index] = failed(ask, this.#failure(error));
      }
    }
    while (changes.size > 0 && !this.#commit(asks, changes, answers)) {
      // Once more without the one that could not be done.
    }
    return answers;
  }

  /** Of a peer that logs in. Batches are cheaper and exact more often: see SnapshotVersions. */
  arrival(peer: Uint8Array): ReadAnswers['arrive'] {
    this.#versions.begin();
    const { value: version } = this.#versions.of(policyOf(peer));
    return { plain: this.#policies.isPlain(peer), version };
  }

  #answer(ask: ReadAsk, nowMs: number): ReadAnswer {
    switch (ask.t) {
      case 'lookup':
        return { t: 'lookup', ...this.#lookups.lookup(ask, nowMs) };
      case 'search':
        return { t: 'search', ...search(this.#store, this.#policies, this.#lookups, ask, nowMs) };
      case 'see':
        return { t: 'see', sights: this.#lookups.see(ask.asker, ask.peers, nowMs) };
      case 'reach':
        return { t: 'reach', may: this.#policies.leave(ask.asker, ask.peer).reach };
      case 'arrive':
        return { t: 'arrive', ...this.arrival(ask.peer) };
      case 'vault':
        return { t: 'vault', ...this.#vaults.read(ask.peer) };
      case 'policy':
        return { t: 'policy', ...this.#policies.read(ask) };
      case 'mail':
        return { t: 'mail', ...this.#mailboxes.read(ask.peer, ask.after) };
    }
  }

  /** Everything that needs no transaction. @throws Refusal */
  #check(ask: WriteAsk, nowMs: number): Change {
    switch (ask.t) {
      case 'publish': {
        const publication = checkPublication(ask, nowMs, this.#context.verify);
        return (touch) => ({ t: 'publish', ...this.#registry.publish(publication, nowMs, touch) });
      }
      case 'vault-put': {
        const head = checkVault(ask, this.#context.verify);
        return () => ({ t: 'vault-put', ...this.#vaults.put(head, ask.vault) });
      }
      case 'policy-set':
        return (touch) => {
          const answer = this.#policies.set(ask);
          touch(ask.peer);
          touch(policyOf(ask.peer));
          return { t: 'policy-set', ...answer };
        };
      case 'send':
        return (touch) => {
          this.#checkMaySend(ask.from, ask.to, nowMs);
          const answer = this.#mailboxes.send(ask);
          touch(ask.to);
          return { t: 'send', ...answer };
        };
      case 'mail-ack':
        return (touch) => {
          const acked = this.#mailboxes.acknowledge(ask.peer, ask.seq, nowMs);
          for (const peer of [ask.peer, ...acked.told]) touch(peer);
          return { t: 'mail-ack', ...acked };
        };
      case 'seen':
        return (touch) => {
          this.#registry.seen(ask, touch);
          return { t: 'seen' };
        };
      case 'sweep':
        return (touch) => this.#sweep(ask.nowMs, ask.most, touch);
    }
  }

  /** All changes in one transaction. @returns false when one of them failed and was taken out: nothing is stored yet. */
  #commit(asks: WriteAsk[], changes: Map<number, Change>, answers: WriteAnswer[]): boolean {
    const touched: (Uint8Array | string)[] = [];
    let current = -1;
    try {
      this.#store.transaction(() => {
        for (const [index, change] of changes) {
          current = index;
          answers[index] = this.#apply(asks[index]!, change, (of) => touched.push(of));
        }
        current = -1;
      });
    } catch (error) {
      if (current === -1 || isOfTheDisk(error)) {
        // The transaction is lost, and with it every change in it.
        const failure = this.#failure(error);
        for (const index of changes.keys()) answers[index] = failed(asks[index]!, failure);
        return true;
      }
      answers[current] = failed(asks[current]!, this.#failure(error));
      changes.delete(current);
      return false;
    }
    this.#versions.bump(touched);
    return true;
  }

  #apply(ask: WriteAsk, change: Change, touch: Touch): WriteAnswer {
    try {
      return change(touch);
    } catch (error) {
      // A refusal comes before the change's first write; after anything else the transaction must not be kept.
      if (error instanceof Refusal) return failed(ask, failureOf(error));
      throw error;
    }
  }

  #failure(error: unknown): Failure {
    if (error instanceof Refusal) return failureOf(error);
    this.#context.onFault?.(error);
    return storeFailure(error);
  }

  #sweep(nowMs: number, most: number, touch: Touch): WriteAnswer {
    const records = this.#registry.sweep(nowMs, most, touch);
    const mail = this.#mailboxes.sweep(nowMs, most);
    for (const peer of mail.told) touch(peer);
    return { t: 'sweep', records: records.records, ...mail, more: records.more || mail.more };
  }

  /** A peer that is not there, one without a record and one that does not want the sender: the same reads and words. */
  #checkMaySend(from: Uint8Array, to: Uint8Array, nowMs: number): void {
    const record = this.#store.tables.records.get(to);
    const { reach } = this.#policies.leave(from, to);
    if (reach && record !== undefined && recordExpiresMs(record) > nowMs) return;
    throw new Refusal('refused', 'There is no such peer here, or it takes no messages from this one.');
  }
}

function failed(ask: WriteAsk, failure: Failure): WriteAnswer {
  return { t: ask.t, ...failure } as WriteAnswer;
}

function isOfTheDisk(error: unknown): boolean {
  return (
    error instanceof SupernodeError &&
    (error.code === 'directory-full' || error.code === 'directory-unavailable')
  );
}
