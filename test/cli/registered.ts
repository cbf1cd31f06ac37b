/** A peer with a record, and so with a mailbox, as `supernode register` makes it: without a process for it. */
import { connect, loadIdentity } from 'supernode';
import type { RunningRelay, Sandbox } from './run-cli.ts';

export interface Key {
  file: string;
  id: string;
}

export async function registered(
  sandbox: Sandbox,
  relay: RunningRelay,
  name: string,
  profile: Record<string, string> = {},
): Promise<Key> {
  const key = await sandbox.key(name);
  const peer = await connect(relay.url, { identity: await loadIdentity(key.file), reconnect: false });
  await peer.publish({ name, profile });
  await peer.close();
  return key;
}
