/** Names that begin with a prefix, of peers that want to be found like that and that everyone may see. */
import { MIN_SEARCH_CHARACTERS } from '../protocol/limits.ts';
import type { ReadAnswers, ReadAsk } from '../threads/directory-messages.ts';
import type { Lookups } from './lookups.ts';
import type { Policies } from './policies.ts';
import { Refusal } from './refusal.ts';
import { utf8Bytes } from './signed.ts';
import type { DirectoryStore } from './store.ts';

/**
 * Rows that one search looks at, at five reads each: about 4 ms. Beyond it there is `more`, as there may well be: a
 * prefix with so many names of peers that are gone or hide is too short.
 */
export const MAX_SEARCH_ROWS = 256;
/** Follows every UTF-8 text that begins with what it is put behind: no UTF-8 contains this byte. */
const AFTER_ANY = 0xff;

const decoder = new TextDecoder();

/** @throws Refusal `bad-name` when the prefix is too short. */
export function search(
  store: DirectoryStore,
  policies: Policies,
  lookups: Lookups,
  { asker, prefix, most }: Extract<ReadAsk, { t: 'search' }>,
  nowMs: number,
): ReadAnswers['search'] {
  if ([...prefix].length < MIN_SEARCH_CHARACTERS) {
    throw new Refusal('bad-name', `A search needs at least ${MIN_SEARCH_CHARACTERS} characters.`);
  }
  const from = utf8Bytes(prefix);
  const before = Uint8Array.of(...from, AFTER_ANY);
  const found: ReadAnswers['search']['found'] = [];
  let rows = 0;
  for (const [name, peer] of store.tables.searchable.range({ from, before, most: MAX_SEARCH_ROWS + 1 })) {
    if (++rows > MAX_SEARCH_ROWS) return { found, more: true };
    const { isFindable } = lookups.standing(peer, nowMs);
    const { see, policy } = policies.leave(asker, peer);
    if (!isFindable || !see || policy.visibility !== 'everyone') continue;
    if (found.length === most) return { found, more: true };
    found.push({ peer, name: decoder.decode(name) });
  }
  return { found, more: false };
}
