/**
 * Asks every shard's ledger what became of a peer's things, and makes one report of the answers (`relay.why`,
 * `supernode why`).
 */
import { type PeerId, peerIdOf } from '../protocol/peer-id.ts';
import type { FromShard, ToShard, WhyEntry } from '../threads/messages.ts';
import { WHY_REASONS, type WhyDetail, type WhyReason } from '../threads/why-reasons.ts';

/** How far back the ledgers reach (workers/shard/why-table.ts). */
export const WHY_MINUTES = 15;
/** A shard that is behind by more than this is named as missing. */
const ANSWER_MS = 2_000;
const MINUTE_MS = 60_000;

export interface WhyItem extends WhyDetail {
  reason: WhyReason;
  /** Whose frame, request or session it was. */
  peer: PeerId;
  /** Whom it was for; null: nobody in particular. */
  other: PeerId | null;
  /** True when whoever it was had claimed the peer's key and not proved it. */
  claimed: boolean;
  /** How many frames, requests or sessions, within the minutes that were asked for. */
  count: number;
  /** When it happened last, and since when it has, milliseconds since 1970: to half a second, and to the minute. */
  lastMs: number;
  sinceMs: number;
}

export interface WhyReport {
  peer: PeerId;
  other: PeerId | null;
  minutes: number;
  /** The last that happened first. Empty: within those minutes this relay dropped, throttled and refused nothing. */
  items: WhyItem[];
  /** Entries, of anybody, that the ledgers had no room to keep since the start: then something may be missing. */
  forgotten: number;
  /** Shards that did not answer in time. */
  missingShards: number[];
}

export interface WhyDeskHost {
  readonly shards: number;
  tell(shard: number, message: ToShard): void;
  /** The value of a relay's option, for the reasons that name one. */
  valueOf(option: string): string | null;
}

type Answer = Extract<FromShard, { kind: 'why' }>;

interface Asked {
  answers: (Answer | null)[];
  missing: number;
  done(): void;
}

export class WhyDesk {
  readonly #host: WhyDeskHost;
  readonly #asked = new Map<number, Asked>();
  #lastId = 0;

  constructor(host: WhyDeskHost) {
    this.#host = host;
  }

  async ask(peer: Uint8Array, other: Uint8Array | null, minutes: number): Promise<WhyReport> {
    const answers = await this.#askShards(peer, other);
    const oldestMs = Date.now() - minutes * MINUTE_MS;
    const items = new Map<string, WhyItem>();
    for (const entry of answers.flatMap((answer) => answer?.entries ?? [])) {
      this.#add(items, entry, oldestMs);
    }
    return {
      peer: peerIdOf(peer),
      other: other && peerIdOf(other),
      minutes,
      items: [...items.values()].sort((a, b) => b.lastMs - a.lastMs || b.count - a.count),
      forgotten: answers.reduce((sum, answer) => sum + (answer?.forgotten ?? 0), 0),
      missingShards: answers.flatMap((answer, shard) => (answer === null ? [shard] : [])),
    };
  }

  heard(shard: number, answer: Answer): void {
    const asked = this.#asked.get(answer.requestId);
    if (asked === undefined || asked.answers[shard] !== null) return;
    asked.answers[shard] = answer;
    if (--asked.missing === 0) asked.done();
  }

  async #askShards(peer: Uint8Array, other: Uint8Array | null): Promise<(Answer | null)[]> {
    const { shards } = this.#host;
    const requestId = ++this.#lastId;
    const answers: (Answer | null)[] = new Array<null>(shards).fill(null);
    let late: NodeJS.Timeout | undefined;
    const all = new Promise<void>((done) => {
      this.#asked.set(requestId, { answers, missing: shards, done });
      late = setTimeout(done, ANSWER_MS);
    });
    for (let shard = 0; shard < shards; shard++)
      this.#host.tell(shard, { kind: 'why', requestId, peer, other });
    await all;
    clearTimeout(late);
    this.#asked.delete(requestId);
    return answers;
  }

  /** The same of several shards is one item: a peer may have come back on another. */
  #add(items: Map<string, WhyItem>, entry: WhyEntry, oldestMs: number): void {
    const minutes = entry.minutes.filter(([beganMs]) => beganMs > oldestMs - MINUTE_MS);
    if (minutes.length === 0) return;
    const count = minutes.reduce((sum, [, counted]) => sum + counted, 0);
    const sinceMs = minutes[minutes.length - 1]![0];
    const { reason, claimed, atMs } = entry;
    const peer = peerIdOf(entry.peer);
    const other = entry.other && peerIdOf(entry.other);
    const id = [peer, other, reason, claimed].join();
    const known = items.get(id);
    if (known) {
      known.count += count;
      known.lastMs = Math.max(known.lastMs, atMs);
      known.sinceMs = Math.min(known.sinceMs, sinceMs);
      return;
    }
    const detail: WhyDetail = WHY_REASONS[reason];
    const value = detail.value ?? this.#host.valueOf(detail.limit);
    items.set(id, { ...detail, value, reason, peer, other, claimed, count, lastMs: atMs, sinceMs });
  }
}
