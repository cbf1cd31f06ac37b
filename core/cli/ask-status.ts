/** GET /status. */
import type { Relay } from '../relay/relay.ts';
import { askAdmin, notARelay } from './ask-admin.ts';
import type { AdminAddress } from './find-admin.ts';

export type RelayNumbers = ReturnType<Relay['stats']>;

/** @throws CommandError when nothing answers, the token is refused, or the answer is not a relay's. */
export async function askStatus(address: AdminAddress): Promise<{ body: string; numbers: RelayNumbers }> {
  const { text, json } = await askAdmin(address, { path: '/status' });
  const numbers = json as RelayNumbers;
  if (typeof numbers?.sessions !== 'number' || typeof numbers.frames?.in !== 'number') {
    throw notARelay(address);
  }
  return { body: text, numbers };
}
