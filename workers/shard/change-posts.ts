/**
 * Who came, left, or is away or back, on its way to the main thread. The first is posted at the end of its turn; those of
 * the next CHANGES_GATHER_MS go together after it. In a flood of logins a shard has thousands of turns a second, and a post
 * each would cost both threads as much as ten of their logins' changes: nobody needs to hear of them that fast.
 */
import type { PresenceChange } from '../../core/threads/messages.ts';

export const CHANGES_GATHER_MS = 10;
/** So many do not wait: they make a post of 64 KiB. */
export const MOST_CHANGES = 1024;

export class ChangePosts {
  readonly #post: (changes: PresenceChange[]) => void;
  #due: PresenceChange[] = [];
  /** Runs while changes are to be gathered. */
  #timer: NodeJS.Timeout | undefined;

  constructor(post: (changes: PresenceChange[]) => void) {
    this.#post = post;
  }

  add(change: PresenceChange): void {
    this.#due.push(change);
  }

  /** At the end of a turn. */
  turnEnded(): void {
    if (this.#due.length === 0) return;
    if (this.#timer === undefined || this.#due.length >= MOST_CHANGES) this.flush();
  }

  /** Posts what there is. */
  flush(): void {
    if (this.#due.length === 0) return;
    // Taken first: one that cannot be posted must not hold up those after it.
    const changes = this.#due;
    this.#due = [];
    this.#timer ??= setTimeout(this.#gathered, CHANGES_GATHER_MS);
    this.#post(changes);
  }

  readonly #gathered = (): void => {
    this.#timer = undefined;
    this.flush();
  };

  /** Posts what there is, and leaves no timer. */
  stop(): void {
    this.flush();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
