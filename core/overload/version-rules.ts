/** What a relay does about client versions, as its shards know it. Pure. */

/** Shortened with a * at its end: every version that begins so. */
export type VersionPattern = string;

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
