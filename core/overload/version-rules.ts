/** What a relay does about client versions, as its shards know it. Pure. */
import { MAX_CLIENT_VERSION_BYTES } from '../protocol/limits.ts';

/** Shortened with a * at its end: every version that begins so. */
export type VersionPattern = string;

export const MOST_PATTERNS = 64;
/** What there may be of them. */
export const PATTERNS_ALLOWED = `at most ${MOST_PATTERNS} version texts of 1 to ${MAX_CLIENT_VERSION_BYTES} bytes, with a * at most at the end`;

export function isVersionPattern(text: string): boolean {
  const { length } = new TextEncoder().encode(text);
  return length >= 1 && length <= MAX_CLIENT_VERSION_BYTES && !text.slice(0, -1).includes('*');
}

export class VersionRules {
  readonly #exact = new Set<string>();
  readonly #prefixes: string[] = [];
  /** Suspects whose logins the main thread delays, resumes too. */
  slow: ReadonlySet<string> = new Set();

  constructor(refuse: readonly VersionPattern[]) {
    for (const pattern of refuse) {
      if (pattern.endsWith('*')) this.#prefixes.push(pattern.slice(0, -1));
      else this.#exact.add(pattern);
    }
  }

  refuses(version: string): boolean {
    if (this.#exact.has(version)) return true;
    for (const prefix of this.#prefixes) if (version.startsWith(prefix)) return true;
    return false;
  }
}
