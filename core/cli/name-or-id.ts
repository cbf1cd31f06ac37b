/** NAME|ID: whom a command is about. Checked before anything is asked of a relay. */
import type { DirectoryRecord, Found, Peer, PeerId } from '../client/node.ts';
import { SupernodeError } from '../protocol/errors.ts';
import { parsePeerId } from '../protocol/peer-id.ts';
import { CommandError, EXIT_NO_PEER } from './exit-codes.ts';

export interface Target {
  /** The id, or the name in its normal form: what the client API takes. */
  text: string;
  /** When it was given as an id. */
  id: PeerId | undefined;
}

/** @throws SupernodeError `bad-name` when it is neither. */
export async function readTarget(given: string): Promise<Target> {
  const id = readId(given);
  if (id !== undefined) return { text: id, id };
  const { normalizeName } = await import('../directory/name.ts');
  return { text: normalizeName(given), id: undefined };
}

function readId(given: string): PeerId | undefined {
  try {
    return parsePeerId(given).id;
  } catch (error) {
    if (error instanceof SupernodeError && error.code === 'bad-peer-id') return undefined;
    throw error;
  }
}

/** @throws CommandError with EXIT_NO_PEER when the relay knows nobody, or shows nobody. */
export async function findTarget(peer: Peer, target: Target): Promise<Found> {
  const found = await peer.lookup(target.text);
  if (found === null) throw notFound(target.text, peer.url);
  return found;
}

export function notFound(who: string, relay: string): CommandError {
  return new CommandError(EXIT_NO_PEER, 'not-found', `${who} is not to be found at ${relay} (not-found).`);
}

/** A record as --json prints it. */
export function recordJson(record: DirectoryRecord): Record<string, unknown> {
  const { name, profile, searchable, seq, expires } = record;
  return { name: name ?? null, profile, searchable, seq, expires: expires.toISOString() };
}
