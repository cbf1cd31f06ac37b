/**
 * Where a peer goes next when it has lost its relay: the successors that the relay named, in its order, then the relay
 * itself, then the one that the application named; and around again. The order is the relay's and not shuffled, since the
 * relay gives the two ends of a channel the same one, so that they meet again (docs/protocol.md §8.2).
 */
import type { SupernodeError } from '../protocol/errors.ts';
import { checkUrl } from './options.ts';
import { RelayError } from './relay-error.ts';

/** A relay names at most 8, and so may each of those: two rounds of it, then the oldest are forgotten. */
export const MOST_URLS = 24;

export class NextUrls {
  readonly #home: string;
  #urls: string[];
  #at = 0;

  constructor(home: string) {
    this.#home = home;
    this.#urls = [home];
  }

  /** The one to try. */
  get current(): string {
    return this.#urls[this.#at]!;
  }

  /** @param from the relay that was lost. @param successors what it named before, as `allowed` gave them. */
  begin(from: string, successors: readonly string[]): void {
    this.#urls = [...new Set([...successors, from, this.#home])];
    this.#at = 0;
  }

  /** The try has failed. @returns whether the relay that refused it named others, which are next. */
  failed(error: SupernodeError): boolean {
    const named = error instanceof RelayError ? allowedSuccessors(this.current, error.successors) : [];
    const fresh = named.filter((url) => !this.#urls.includes(url));
    if (fresh.length > 0) {
      this.#urls.splice(this.#at + 1, 0, ...fresh);
      while (this.#urls.length > MOST_URLS) {
        this.#urls.shift();
        this.#at--;
      }
      this.#at++;
      return true;
    }
    // A turn that a relay gave is a turn at that relay, and the other end of a call waits there.
    const hasTurn = error.code === 'busy' && error instanceof RelayError && error.retryAfterMs !== undefined;
    if (!hasTurn) this.#at = (this.#at + 1) % this.#urls.length;
    return false;
  }
}

/** Where a relay may send its peers: to any relay, but never from TLS to none. */
export function allowedSuccessors(from: string, successors: readonly string[]): string[] {
  return successors.flatMap((url) => {
    try {
      const checked = checkUrl(url);
      return checked.startsWith('wss:') || !from.startsWith('wss:') ? [url] : [];
    } catch {
      return [];
    }
  });
}
