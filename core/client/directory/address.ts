/** Names and peer ids as an application writes them. */
import { OptionError } from '../../protocol/errors.ts';
import { type PeerId, parsePeerId } from '../../protocol/peer-id.ts';
import { shown } from '../checks.ts';

/**
 * Names that are their own normal form, as most are: for them the tables of Unicode, some 30 KiB, need not be loaded.
 * Not "--", of which ENSIP-15 refuses some.
 */
const PLAIN_NAME = /^(?=.{3,51}$)[a-z0-9]+(-[a-z0-9]+)*$/;
const PEER_ID = /^\s*[a-z2-7]{52}\s*$/i;

/** Whether the text reads as a peer id; nothing else with 52 characters of base32 is a name. */
export function isPeerId(text: string): boolean {
  return PEER_ID.test(text);
}

/** @throws OptionError; SupernodeError `bad-peer-id`. */
export function checkId(name: string, value: unknown): { id: PeerId; publicKey: Uint8Array } {
  if (typeof value !== 'string') throw new OptionError(`${name} must be a peer id, not ${shown(value)}.`);
  return parsePeerId(value);
}

/** The keys of several peers, each once. @throws OptionError; SupernodeError `bad-peer-id`. */
export function checkIds(name: string, values: unknown): Map<PeerId, Uint8Array> {
  if (typeof values !== 'object' || values === null || !(Symbol.iterator in values)) {
    throw new OptionError(`${name} must be an array of peer ids, not ${shown(values)}.`);
  }
  const keys = new Map<PeerId, Uint8Array>();
  for (const value of values as Iterable<unknown>) {
    const { id, publicKey } = checkId(name, value);
    keys.set(id, publicKey);
  }
  return keys;
}

/**
 * The name's normal form (ENSIP-15).
 * @throws (as rejections) OptionError when it is no text; SupernodeError `bad-name`, with the reason.
 */
export async function normalName(name: unknown): Promise<string> {
  if (typeof name !== 'string') throw new OptionError(`A name must be text, not ${shown(name)}.`);
  const lower = name.toLowerCase();
  // Only ASCII: toLowerCase makes ASCII of nothing else but the Kelvin sign, which ENSIP-15 maps to k as well.
  if (PLAIN_NAME.test(lower)) return lower;
  const { normalizeName } = await import('../../directory/name.ts');
  return normalizeName(name);
}
