/** What the commands of a peer have in common: which relay, which key, and one connection for as long as it takes. */
import type { ArgsDef } from 'citty';
import type { ConnectOptions, Identity, Peer } from '../client/node.ts';
import { loadIdentity } from '../identity/key-file.ts';
import { DEFAULT_URL } from '../protocol/names.ts';
import { EXIT_FAILURE, EXIT_NO_PEER, UsageError } from './exit-codes.ts';
import { type FlagValues, text } from './flags.ts';

export const RELAY_ARG = {
  type: 'string',
  description: `The relay (default: SUPERNODE_RELAY, or ${DEFAULT_URL})`,
  valueHint: 'URL',
} as const;

export const PEER_ARGS = {
  relay: RELAY_ARG,
  key: {
    type: 'string',
    description: 'Key file of the peer (default: SUPERNODE_KEY), see supernode keygen',
    valueHint: 'FILE',
  },
} as const satisfies ArgsDef;

/** The cost of a command that logs in as somebody who may be logged in already. */
export const ONE_SESSION_NOTE =
  'A key has one session at a relay: this command ends another one that runs with the same key there, such as ' +
  'supernode inbox --follow.';

export const RELAY_EXIT_CODE: [number, string] = [
  EXIT_FAILURE,
  'the relay or the key file cannot be used, or the relay refused: the sentence says why',
];
export const NO_PEER_EXIT_CODE: [number, string] = [
  EXIT_NO_PEER,
  'there is nobody of that name or id, or nobody that this key may see',
];

/** The relay that the flag or SUPERNODE_RELAY names. */
export function givenRelay(values: FlagValues): string | undefined {
  return text(values, 'relay') ?? (process.env['SUPERNODE_RELAY'] || undefined);
}

export function relayUrl(values: FlagValues): string {
  return givenRelay(values) ?? DEFAULT_URL;
}

/** The identity of --key or SUPERNODE_KEY; undefined without either. @throws SupernodeError `bad-key-file`. */
export async function givenIdentity(values: FlagValues): Promise<Identity | undefined> {
  const file = text(values, 'key') ?? (process.env['SUPERNODE_KEY'] || undefined);
  return file === undefined ? undefined : loadIdentity(file);
}

/** @throws UsageError when there is no key; SupernodeError `bad-key-file`. */
export async function neededIdentity(values: FlagValues, command: string): Promise<Identity> {
  const identity = await givenIdentity(values);
  if (identity !== undefined) return identity;
  throw new UsageError(
    `${command} needs a key: --key FILE or SUPERNODE_KEY; supernode keygen --out FILE makes one.`,
  );
}

/** Connects, does the work, and leaves. Without an identity: as somebody new. */
export async function withPeer<T>(
  relay: string,
  identity: Identity | undefined,
  work: (peer: Peer) => Promise<T>,
  options: Omit<ConnectOptions, 'identity'> = { reconnect: false },
): Promise<T> {
  const { connect } = await import('../client/node.ts');
  const peer = await connect(relay, { ...options, ...(identity === undefined ? {} : { identity }) });
  let lost: Error | undefined;
  peer.addEventListener('closed', ({ error }) => {
    lost = error;
  });
  try {
    return await work(peer);
  } catch (error) {
    // What ended the connection says more than the request that failed with it.
    throw lost ?? error;
  } finally {
    await peer.close();
  }
}
