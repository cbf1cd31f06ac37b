/** `supernode whoami`: the id of a key, and the name it has at a relay. */
import type { Identity } from '../client/node.ts';
import type { Command } from './command.ts';
import { EXIT_OK } from './exit-codes.ts';
import { givenRelay, neededIdentity, PEER_ARGS, RELAY_EXIT_CODE, withPeer } from './peer-flags.ts';
import { printText } from './print.ts';

export const whoami: Command = {
  name: 'supernode whoami',
  description: 'Prints the peer id of a key; with a relay, also the name that is registered there',
  args: {
    ...PEER_ARGS,
    relay: {
      ...PEER_ARGS.relay,
      description: 'Ask this relay for the name (default: SUPERNODE_RELAY, or none)',
    },
    json: { type: 'boolean', description: 'Print {"id"} or {"id", "name"} as one line of JSON' },
  },
  notes: [
    'The id is the first line, the name the second, if there is one. The relay is asked as a stranger would; only if it ' +
      'shows strangers nothing does the command log in with the key, which ends another session of that key.',
  ],
  examples: [
    ['supernode whoami --key me.key', 'the id'],
    ['supernode whoami --key me.key --relay wss://relay.example', 'and the name'],
  ],
  exitCodes: [RELAY_EXIT_CODE],
  async run(values) {
    const identity = await neededIdentity(values, 'supernode whoami');
    const relay = givenRelay(values);
    const name = relay === undefined ? undefined : await registeredName(relay, identity);
    if (values['json']) {
      await printText(`${JSON.stringify({ id: identity.id, ...(relay && { name: name ?? null }) })}\n`);
    } else {
      await printText(name === undefined ? `${identity.id}\n` : `${identity.id}\n${name}\n`);
    }
    return EXIT_OK;
  },
};

async function registeredName(relay: string, identity: Identity): Promise<string | undefined> {
  const byStranger = await withPeer(relay, undefined, (peer) => peer.lookup(identity.id));
  // A peer that hides, or was not here for long, sees itself all the same.
  const found = byStranger ?? (await withPeer(relay, identity, (peer) => peer.lookup(identity.id)));
  return found?.record?.name;
}
