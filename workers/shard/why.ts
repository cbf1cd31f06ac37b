/**
 * The ledger of what this shard dropped, throttled or refused, whose, for whom, and by which limit, in the last 15 minutes:
 * what `supernode why` reads. Owned by the shard.
 *
 * "The peer" is whose frame, request or session it was, "the other" is whom it was for. Bounded (why-table.ts); what
 * somebody does in a peer's name before the key is proved goes to a table of its own, so that a flood of claims
 * pushes out nothing that is certain.
 *
 * Made for floods of drops: no allocation and no clock (the shard ticks it), and noting the same again is an addition.
 * Until the first note it has no memory.
 */

import { KEY_BYTES } from '../../core/protocol/peer-id.ts';
import type { WhyEntry } from '../../core/threads/messages.ts';
import { WHY_NAMES, type WhyReason } from '../../core/threads/why-reasons.ts';
import type { Ends } from './ends.ts';
import type { SessionTable } from './session.ts';
import { WhyTable } from './why-table.ts';

/** x about 180 bytes = 720 KiB a shard. */
export const MOST_ENTRIES = 4_096;
/** Of keys that were claimed and not proved. */
export const MOST_CLAIMED = 1_024;

const INDEX_OF = Object.fromEntries(WHY_NAMES.map((name, index) => [name, index])) as Record<
  WhyReason,
  number
>;

export class WhyLedger {
  readonly #ends: Ends;
  readonly #sessions: SessionTable;
  #proven: WhyTable | null = null;
  #claimed: WhyTable | null = null;
  #nowMs = Date.now();
  /** What was noted last, for the next that is the same; row -1: nothing. */
  #lastRow = -1;
  #lastPeer: Uint8Array | null = null;
  /** Negative when the label's owner is who waited. */
  #lastLabel = 0;
  #lastReason: WhyReason = 'expired';

  constructor(ends: Ends, sessions: SessionTable) {
    this.#ends = ends;
    this.#sessions = sessions;
  }

  /** The time of what is noted from now on, milliseconds since 1970. Twice a second is enough. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  /** Entries that had to go before their time. */
  get forgotten(): number {
    return (this.#proven?.forgotten ?? 0) + (this.#claimed?.forgotten ?? 0);
  }

  /** `key` is the peer's, `other` whom it was for. For frames of a channel there are noteSent and noteWaited. */
  note(peer: Uint8Array, other: Uint8Array | null, reason: WhyReason, count = 1): void {
    if (other === null && this.#isLast(peer, 0, reason)) {
      this.#proven!.again(this.#lastRow, count, this.#nowMs);
      return;
    }
    this.#lastRow = this.#table().note(peer, other, 0, INDEX_OF[reason], count, this.#nowMs);
    // A label is never this: nothing that names an other is taken for the same.
    this.#remember(peer, other === null ? 0 : Number.NaN, reason);
  }

  /** Of a login whose key was not proved. */
  noteClaimed(peer: Uint8Array, reason: WhyReason): void {
    this.#claimed ??= new WhyTable(MOST_CLAIMED);
    this.#claimed.note(peer, null, 0, INDEX_OF[reason], 1, this.#nowMs);
  }

  /** Frames that the owner of channel end `end` sent on it. PACKET PATH (of frames that are dropped). */
  noteSent(end: number, reason: WhyReason, frames: number): void {
    const { label, owner, peerKeys } = this.#ends;
    const peer = this.#sessions.at(owner[end]!)?.key ?? null;
    if (peer === null) return;
    if (this.#isLast(peer, label[end]!, reason)) {
      this.#proven!.again(this.#lastRow, frames, this.#nowMs);
      return;
    }
    this.#lastRow = this.#table().note(
      peer,
      peerKeys,
      end * KEY_BYTES,
      INDEX_OF[reason],
      frames,
      this.#nowMs,
    );
    this.#remember(peer, label[end]!, reason);
  }

  /** Frames for the end that `label` names, which waited for its owner. */
  noteWaited(label: number, reason: WhyReason, frames: number): void {
    const { owner, peerKeys } = this.#ends;
    const end = this.#ends.indexOf(label);
    const receiver = end < 0 ? null : (this.#sessions.at(owner[end]!)?.key ?? null);
    if (receiver === null) return;
    if (this.#isLast(receiver, -label, reason)) {
      this.#proven!.again(this.#lastRow, frames, this.#nowMs);
      return;
    }
    const sender = peerKeys.subarray(end * KEY_BYTES, (end + 1) * KEY_BYTES);
    this.#lastRow = this.#table().note(sender, receiver, 0, INDEX_OF[reason], frames, this.#nowMs);
    this.#remember(receiver, -label, reason);
  }

  /** What is known of the peer; with `other`, of the two. */
  find(peer: Uint8Array, other: Uint8Array | null): WhyEntry[] {
    const named = (table: WhyTable | null, claimed: boolean): WhyEntry[] =>
      (table?.find(peer, other, this.#nowMs) ?? []).map((row) => ({
        ...row,
        reason: WHY_NAMES[row.reason]!,
        claimed,
      }));
    return [...named(this.#proven, false), ...named(this.#claimed, true)];
  }

  #table(): WhyTable {
    this.#proven ??= new WhyTable(MOST_ENTRIES);
    return this.#proven;
  }

  #isLast(peer: Uint8Array, label: number, reason: WhyReason): boolean {
    return (
      this.#lastRow >= 0 &&
      peer === this.#lastPeer &&
      label === this.#lastLabel &&
      reason === this.#lastReason
    );
  }

  #remember(peer: Uint8Array, label: number, reason: WhyReason): void {
    this.#lastPeer = peer;
    this.#lastLabel = label;
    this.#lastReason = reason;
  }
}
