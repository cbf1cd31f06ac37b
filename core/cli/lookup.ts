/** `supernode lookup`: who has a name, or what a relay knows of a peer. */
import type { Found } from '../client/node.ts';
import type { Command } from './command.ts';
import { EXIT_OK } from './exit-codes.ts';
import { text } from './flags.ts';
import { findTarget, readTarget, recordJson } from './name-or-id.ts';
import {
  givenIdentity,
  NO_PEER_EXIT_CODE,
  PEER_ARGS,
  RELAY_EXIT_CODE,
  relayUrl,
  withPeer,
} from './peer-flags.ts';
import { printText } from './print.ts';
import { safeLine } from './safe-text.ts';

export const lookup: Command = {
  name: 'supernode lookup',
  description: 'Finds a peer by its name or id: its id, state and record',
  args: {
    peer: { type: 'positional', description: 'NAME, or peer id' },
    ...PEER_ARGS,
    key: { ...PEER_ARGS.key, description: 'Ask as this peer (default: SUPERNODE_KEY, or somebody new)' },
    json: { type: 'boolean', description: 'Print {"id", "state", "lastSeen", "record"} as one line of JSON' },
  },
  notes: [
    'The record is signed by the key that it is about, and was verified. Whoever hides from the one who asks is not found, ' +
      'as if there were nobody.',
  ],
  examples: [
    ['supernode lookup ann', 'id, state and profile'],
    ['supernode lookup ann --json', 'for a script'],
    ['supernode lookup ann --key me.key', 'as one of her contacts'],
  ],
  exitCodes: [RELAY_EXIT_CODE, NO_PEER_EXIT_CODE],
  async run(values) {
    const target = await readTarget(text(values, 'peer')!);
    const identity = await givenIdentity(values);
    const found = await withPeer(relayUrl(values), identity, (peer) => findTarget(peer, target));
    await printText(values['json'] ? `${JSON.stringify(foundJson(found))}\n` : foundText(found));
    return EXIT_OK;
  },
};

function foundJson({ id, state, lastSeen, record }: Found): object {
  return {
    id,
    state,
    ...(lastSeen && { lastSeen: lastSeen.toISOString() }),
    ...(record && { record: recordJson(record) }),
  };
}

function foundText({ id, state, lastSeen, record }: Found): string {
  const rows: [string, string][] = [['id', id]];
  if (record?.name !== undefined) rows.push(['name', record.name]);
  rows.push(['state', state]);
  if (lastSeen) rows.push(['last seen', lastSeen.toISOString()]);
  if (record) {
    for (const [key, value] of Object.entries(record.profile)) {
      rows.push([`profile.${key}`, typeof value === 'string' ? value : JSON.stringify(value)]);
    }
    rows.push(['searchable', record.searchable ? 'yes' : 'no'], ['expires', record.expires.toISOString()]);
  }
  const safe = rows.map(([key, value]): [string, string] => [safeLine(key), safeLine(value)]);
  const width = Math.max(...safe.map(([key]) => key.length));
  return safe.map(([key, value]) => `${key.padEnd(width)}  ${value}\n`).join('');
}
