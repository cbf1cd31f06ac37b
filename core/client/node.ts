/** `supernode/client` in Node: the peer's side of supernode. */
import type { ConnectOptions } from './options.ts';
import { connectOn, type Peer } from './peer.ts';
import { nodePlatform } from './platform-node.ts';

export { generateIdentity, identityFromSeed } from '../identity/identity.ts';
export * from './exports.ts';

/**
 * Connects to a relay and logs in. Tried once: what fails is told at once. A connection that is lost later comes back
 * by itself, see ConnectOptions.reconnect.
 * @param url `ws://host:port` or `wss://host:port`.
 * @throws (as rejections) OptionError; SupernodeError `relay-unreachable`, naming the URL, with the cause; RelayError
 *   with the relay's code when it refuses (`denied`, `busy`, ...); `bad-relay` when it does not speak the protocol; the
 *   signal's reason.
 */
export function connect(url: string, options: ConnectOptions = {}): Promise<Peer> {
  return connectOn(nodePlatform, url, options);
}
