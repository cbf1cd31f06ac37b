/** What `supernode register` and `supernode send` do, without a process for each. */
import { connect, loadIdentity } from 'supernode';
import type { Sandbox } from './run-cli.ts';

export interface Key {
  file: string;
  id: string;
}

/** A peer with a record, and so with a mailbox. */
export async function registered(
  sandbox: Sandbox,
  relay: { url: string },
  name: string,
  profile: Record<string, string> = {},
): Promise<Key> {
  const key = await sandbox.key(name);
  const peer = await connect(relay.url, { identity: await loadIdentity(key.file), reconnect: false });
  await peer.publish({ name, profile });
  await peer.close();
  return key;
}

/** Stores a message of somebody for `to`. */
export async function sendText(relay: { url: string }, to: string, text: string): Promise<void> {
  const peer = await connect(relay.url, { reconnect: false });
  await peer.messages.send(to, text);
  await peer.close();
}
