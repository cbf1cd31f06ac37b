/** `supernode/client` in a browser: the peer's side of supernode. No `node:` import is reachable from here. */
import type { ConnectOptions } from './options.ts';
import { connectOn, type Peer } from './peer.ts';
import { browserPlatform } from './platform-browser.ts';

export * from './exports.ts';
export { generateIdentity, identityFromSeed } from './platform-browser.ts';

/**
 * Connects to a relay and logs in. Tried once: what fails is told at once. A connection that is lost later comes back
 * by itself, see ConnectOptions.reconnect.
 * @param url `wss://host:port`, or `ws://host:port` from a page that is not secure itself.
 * @throws (as rejections) OptionError; SupernodeError `relay-unreachable`, naming the URL; RelayError with the relay's
 *   code when it refuses (`denied`, `busy`, ...); `bad-relay` when it does not speak the protocol; the signal's reason.
 */
export function connect(url: string, options: ConnectOptions = {}): Promise<Peer> {
  return connectOn(browserPlatform, url, options);
}
