/** A scripted relay with a directory, and peers on it. */
import type { ConnectOptions, Peer } from '../../core/client/node.ts';
import { join, startRelay } from './peers.ts';
import { ScriptedDirectory } from './scripted-directory.ts';
import type { ScriptedRelay } from './scripted-relay.ts';

export interface World {
  relay: ScriptedRelay;
  directory: ScriptedDirectory;
  join(options?: ConnectOptions): Promise<Peer>;
}

/** Comes back at once. */
export const quick = { baseMs: 1, capMs: 20 };

export async function startWorld(): Promise<World> {
  const directory = new ScriptedDirectory();
  const relay = await startRelay({ directory });
  return { relay, directory, join: (options) => join(relay, { reconnect: quick, ...options }) };
}
