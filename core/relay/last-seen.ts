/**
 * When peers were last here, on the way to the store: the last moment of each, gathered and written at the lowest
 * priority. Bounded: beyond MAX_SEEN_PENDING peers a moment is dropped and counted; the store then has the one before.
 */
import type { WriteAsk } from '../threads/directory-messages.ts';
import { keyText } from '../threads/key-text.ts';
import { MAX_SEEN_PENDING } from './limits.ts';

export class LastSeen {
  /** By the peer's key as text, in the order in which they were first noted. */
  #moments = new Map<string, { peer: Uint8Array; seenMs: number }>();
  #dropped = 0;

  get pending(): number {
    return this.#moments.size;
  }

  get dropped(): number {
    return this.#dropped;
  }

  note(peer: Uint8Array, seenMs: number): void {
    const id = keyText(peer);
    const known = this.#moments.get(id);
    if (known) known.seenMs = Math.max(known.seenMs, seenMs);
    else if (this.#moments.size < MAX_SEEN_PENDING) this.#moments.set(id, { peer, seenMs });
    else this.#dropped++;
  }

  /** A moment that was taken out could not be written. */
  lost(): void {
    this.#dropped++;
  }

  /** Takes out up to `most`, the oldest first. */
  take(most: number): Extract<WriteAsk, { t: 'seen' }>[] {
    const asks: Extract<WriteAsk, { t: 'seen' }>[] = [];
    for (const [id, { peer, seenMs }] of this.#moments) {
      if (asks.length >= most) break;
      this.#moments.delete(id);
      asks.push({ t: 'seen', peer, seenMs });
    }
    return asks;
  }
}
