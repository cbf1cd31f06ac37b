/** What URL a relay may name as its successor: the option of a drain and the flags of the command line ask alike. */
import { MAX_SUCCESSOR_BYTES } from '../protocol/limits.ts';

/**
 * @param relay the URL of the relay that leaves; without one it is not looked at whether it has TLS.
 * @returns what is wrong, after the name of what was given; null: nothing.
 */
export function successorFault(given: string, relay = ''): string | null {
  const shown = `"${given.slice(0, 80)}"`;
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || (url.protocol !== 'ws:' && url.protocol !== 'wss:') || url.hash !== '') {
    return `must have URLs ws://host:port or wss://host:port, not ${shown}.`;
  }
  if (url.protocol === 'ws:' && relay.startsWith('wss:')) {
    return `must have wss: URLs, as this relay has TLS: no client follows it to ${shown}.`;
  }
  if (new TextEncoder().encode(given).length > MAX_SUCCESSOR_BYTES) {
    return `must have URLs of at most ${MAX_SUCCESSOR_BYTES} bytes, not ${shown}.`;
  }
  return null;
}
