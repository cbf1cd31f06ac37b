/**
 * Keeps the book of contacts in the peer's vault at the relay (docs/protocol.md §12.9).
 *
 *   change --> pending --merged into what the relay has--> vault put --stored--> settled
 *                 ^                                            |  |
 *                 '---- get, merge, try again <-- conflict ----'  '-- connection lost: wait, try again
 *
 * Changes are merged, not replayed: a put of which nobody knows whether it was stored is simply put again.
 */
import { openVault, sealVault } from '../../directory/vault.ts';
import { fullJitterMs } from '../../overload/backoff.ts';
import { SupernodeError } from '../../protocol/errors.ts';
import { OP_VAULT_GET, OP_VAULT_PUT } from '../../protocol/ops.ts';
import type { PeerId } from '../../protocol/peer-id.ts';
import type { Session } from '../session.ts';
import type { Access } from './access.ts';
import {
  type BookEntry,
  type ContactBook,
  decodeBook,
  encodeBook,
  isContact,
  mergeBooks,
} from './contact-book.ts';
import { sleep } from './persist.ts';

interface Change {
  /** A book of the one contact. */
  book: ContactBook;
  /** False for a removal, which makes room. */
  adds: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** Changes that wait to be stored; beyond it `too-many-requests`. */
export const MAX_CHANGES_PENDING = 4096;
/** Puts that another device's put came before, one after the other. */
export const MAX_CONFLICTS = 8;
const CONFLICT_WAIT = { baseMs: 20, capMs: 1000 };

export class VaultBook {
  readonly #access: Access;
  /** All that is known to have been in a vault of this peer's. */
  #book: ContactBook = new Map();
  /** The revision that the relay's vault had last; undefined: nobody asked yet. */
  #revision: number | undefined;
  /** Where that was: another session may be with another relay. */
  #session: Session | undefined;
  #pending: Change[] = [];
  #running = false;

  constructor(access: Access) {
    this.#access = access;
  }

  /** The book with what is not stored yet: the relay's now, or the last one known while there is no connection. */
  async read(): Promise<ContactBook> {
    if (this.#revision === undefined || this.#access.isOpen) await this.#get();
    return this.#view();
  }

  /** Resolves when the change is on the relay's disk; waits for the connection if need be. */
  async change(id: PeerId, make: (known: BookEntry | undefined) => BookEntry): Promise<void> {
    // A stamp must be higher than what the other devices have stored.
    if (this.#revision === undefined) await this.#access.persistently(() => this.#get());
    if (this.#access.isClosed) await this.#access.whenOpen();
    if (this.#pending.length >= MAX_CHANGES_PENDING) throw tooManyChanges();
    const entry = make(this.#view().get(id));
    const change = { book: new Map([[id, entry]]), adds: isContact(entry) };
    return new Promise((resolve, reject) => {
      this.#pending.push({ ...change, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  #view(): ContactBook {
    return mergeBooks(this.#book, ...this.#pending.map(({ book }) => book));
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#pending.length > 0) {
      const batch = [...this.#pending];
      try {
        await this.#access.persistently(() => this.#store(batch));
      } catch (error) {
        for (const { reject } of batch) reject(error);
        this.#drop(batch);
      }
    }
    this.#running = false;
  }

  async #store(batch: readonly Change[]): Promise<void> {
    if (this.#session !== this.#access.requireSession()) await this.#get();
    for (let conflicts = 0; ; conflicts++) {
      const { content, fitting, book } = this.#fit(batch);
      if (fitting.length === 0) return;
      const revision = (this.#revision ?? 0) + 1;
      try {
        const vault = sealVault(this.#access.identity, revision, content);
        await this.#access.ask(OP_VAULT_PUT, { vault });
        this.#book = book;
        this.#revision = revision;
        this.#drop(fitting);
        for (const { resolve } of fitting) resolve();
        return;
      } catch (error) {
        const isConflict = error instanceof SupernodeError && error.code === 'conflict';
        if (!isConflict || conflicts === MAX_CONFLICTS) throw error;
      }
      await this.#get();
      // Not at first: the other device may well be done.
      if (conflicts > 0) await sleep(fullJitterMs(conflicts, CONFLICT_WAIT, Math.random));
    }
  }

  /** The changes that there is room for: when there is none for all, the last additions are rejected. */
  #fit(batch: readonly Change[]): { content: Uint8Array; fitting: Change[]; book: ContactBook } {
    const fitting = batch.filter((change) => this.#pending.includes(change));
    for (;;) {
      const book = mergeBooks(this.#book, ...fitting.map((change) => change.book));
      try {
        return { content: encodeBook(book), fitting, book };
      } catch (error) {
        const last = fitting.findLastIndex((change) => change.adds);
        if (last === -1) throw error;
        const [refused] = fitting.splice(last, 1);
        this.#drop([refused!]);
        refused!.reject(error);
      }
    }
  }

  #drop(changes: readonly Change[]): void {
    const gone = new Set(changes);
    this.#pending = this.#pending.filter((change) => !gone.has(change));
  }

  /** Merges, rather than replaces: a relay that shows an old vault, or has none, takes nothing away. */
  async #get(): Promise<void> {
    const session = this.#access.requireSession();
    const { revision, vault } = await session.requests.ask(OP_VAULT_GET, {});
    if (vault !== undefined) {
      const { identity, verify } = this.#access;
      const opened = openVault(identity, vault, verify);
      if (opened.revision !== revision) {
        throw new SupernodeError(
          'bad-vault',
          `The relay says that the vault's revision is ${revision}, but it is ${opened.revision}.`,
        );
      }
      this.#book = mergeBooks(this.#book, decodeBook(opened.content));
    }
    this.#revision = revision;
    this.#session = session;
  }
}

function tooManyChanges(): SupernodeError {
  return new SupernodeError(
    'too-many-requests',
    `${MAX_CHANGES_PENDING} changes of contacts wait to be stored; await some before making more.`,
  );
}
