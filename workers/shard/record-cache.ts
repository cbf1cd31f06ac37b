/**
 * What the directory said of peers that everyone may see, so that a popular one is not read from the store again and
 * again. Bounded in entries and bytes; who was not asked for longest goes first.
 *
 * An answer is good while the versions that it was read under are current (core/threads/versions.ts): so never past a
 * write that was acknowledged. It says nothing of who is online: that is read from the presence table each time. What is
 * no write, a record that expires or a peer that stays away too long, shows after LIFE_MS.
 */
import type { ReadAnswers } from '../../core/threads/directory-messages.ts';
import { keyText } from '../../core/threads/key-text.ts';
import type { Versions } from '../../core/threads/versions.ts';

export const MAX_ENTRIES = 8_192;
export const MAX_BYTES = 8 * 1024 * 1024;
/** An entry's objects, texts and keys, beside its record. */
const ENTRY_BYTES = 512;
export const LIFE_MS = 10_000;
/** Of a record's buffer: the store's row has a checksum before it. */
const MOST_UNUSED_BYTES = 8;

export interface CachedRecord {
  readonly peer: Uint8Array;
  readonly record: Uint8Array | undefined;
  /** When it was last here; undefined: it was here when the answer was made, or has been seen since. */
  seenMs: number | undefined;
}

interface Entry extends CachedRecord {
  readonly name: string | undefined;
  readonly version: number;
  readonly nameVersion: number;
  readonly until: number;
}

/** What was asked for: by key or by name, with the record or without. */
export interface Question {
  peer?: Uint8Array | undefined;
  name?: string | undefined;
  record: boolean;
}

export class RecordCache {
  readonly #versions: Versions;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(versions: Versions) {
    this.#versions = versions;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  find(question: Question, now: number): CachedRecord | undefined {
    const id = textOf(question);
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    this.#remove(id, entry);
    if (!this.#isCurrent(entry) || entry.until <= now) return undefined;
    this.#insert(id, entry);
    return entry;
  }

  keep(question: Question, answer: ReadAnswers['lookup'], now: number): void {
    if (!answer.cacheable || (question.name !== undefined && answer.nameVersion === undefined)) return;
    const entry: Entry = {
      peer: answer.peer,
      record: answer.record && own(answer.record),
      seenMs: answer.seenMs,
      name: question.name,
      version: answer.version,
      nameVersion: answer.nameVersion ?? 0,
      until: now + LIFE_MS,
    };
    const id = textOf(question);
    const former = this.#entries.get(id);
    if (former !== undefined) this.#remove(id, former);
    if (!this.#isCurrent(entry)) return;
    this.#insert(id, entry);
    for (const [oldest, old] of this.#entries) {
      if (this.#entries.size <= MAX_ENTRIES && this.#bytes <= MAX_BYTES) break;
      this.#remove(oldest, old);
    }
  }

  #isCurrent({ peer, name, version, nameVersion }: Entry): boolean {
    return (
      this.#versions.current(peer) === version &&
      (name === undefined || this.#versions.current(name) === nameVersion)
    );
  }

  #insert(id: string, entry: Entry): void {
    this.#entries.set(id, entry);
    this.#bytes += costOf(entry);
  }

  #remove(id: string, entry: Entry): void {
    this.#entries.delete(id);
    this.#bytes -= costOf(entry);
  }
}

function textOf({ peer, name, record }: Question): string {
  return `${record ? 'r' : '-'}${peer === undefined ? `n${name}` : `k${keyText(peer)}`}`;
}

/** One answer's bytes may be a view of what came for many: then a copy. A buffer more for each costs the collector as much as the rest. */
function own(record: Uint8Array): Uint8Array {
  return record.buffer.byteLength - record.length <= MOST_UNUSED_BYTES ? record : record.slice();
}

function costOf(entry: Entry): number {
  return ENTRY_BYTES + (entry.record?.length ?? 0);
}
