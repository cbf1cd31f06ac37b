/** Peers that log in together and stay, as the beginning of a scenario. */
import { setTimeout as after } from 'node:timers/promises';
import { generateIdentity, type Identity } from '../../../core/identity/identity.ts';
import { LoadFault } from '../fault.ts';
import { ControlPeer, type PeerHost } from './control-peer.ts';
import { RelayRefusal } from './refusal.ts';
import { someAtATime } from './some-at-a-time.ts';

/** `busy` names a time to come back at; a relay that says it this often takes nobody in. */
const MOST_TRIES = 20;
const LEAST_WAIT_MS = 250;

export function newIdentities(count: number): Identity[] {
  return Array.from({ length: count }, generateIdentity);
}

/**
 * Logs all of them in.
 * @throws LoadFault `broken` that counts the refused ones, once all have tried.
 */
export async function logInAll(
  address: string,
  identities: readonly Identity[],
  concurrency: number,
  host: PeerHost,
): Promise<ControlPeer[]> {
  const peers: ControlPeer[] = [];
  const refusals: RelayRefusal[] = [];
  try {
    await someAtATime(identities, concurrency, async (identity) => {
      const outcome = await logInPatiently(address, identity, host);
      if (outcome instanceof ControlPeer) peers.push(outcome);
      else refusals.push(outcome);
    });
    if (refusals.length > 0) {
      throw new LoadFault(
        'broken',
        `${refusals.length} of ${identities.length} peers were refused; the first: ${refusals[0]!.message}`,
      );
    }
  } catch (error) {
    for (const peer of peers) peer.leave();
    throw error;
  }
  return peers;
}

/** Comes back as often as the relay is busy. @returns the refusal when it is for another reason. */
export async function logInPatiently(
  address: string,
  identity: Identity,
  host: PeerHost,
): Promise<ControlPeer | RelayRefusal> {
  for (let tries = 1; ; tries++) {
    try {
      return await ControlPeer.login(address, identity, null, host);
    } catch (error) {
      if (!(error instanceof RelayRefusal)) throw error;
      if (error.code !== 'busy' || tries === MOST_TRIES) return error;
      await after(Math.max(LEAST_WAIT_MS, error.retryAfterMs ?? 0));
    }
  }
}
