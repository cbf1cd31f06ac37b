/** `supernode register`: claims a name, with a profile; gives it up; hands it over. */
import type { Peer } from '../client/node.ts';
import { MAX_RECORD_LIFE_MS } from '../protocol/limits.ts';
import { parsePeerId } from '../protocol/peer-id.ts';
import type { Command } from './command.ts';
import { CommandError, EXIT_FAILURE, EXIT_OK, UsageError } from './exit-codes.ts';
import { type FlagValues, text, wholeNumber } from './flags.ts';
import { recordJson } from './name-or-id.ts';
import {
  neededIdentity,
  ONE_SESSION_NOTE,
  PEER_ARGS,
  RELAY_EXIT_CODE,
  relayUrl,
  withPeer,
} from './peer-flags.ts';
import { printText } from './print.ts';
import { type ProfileChange, readProfileChange } from './profile.ts';

const DAY_MS = 24 * 3_600_000;
const MOST_DAYS = MAX_RECORD_LIFE_MS / DAY_MS;

export const register: Command = {
  name: 'supernode register',
  description: 'Claims a name at a relay for a key, or renews, changes, releases or hands over that claim',
  args: {
    name: { type: 'positional', description: 'The name; then key=value of the profile, any number of them' },
    ...PEER_ARGS,
    profile: { type: 'string', description: 'The whole profile: a JSON object', valueHint: 'FILE' },
    searchable: { type: 'boolean', description: 'Let anybody find the name by its first letters' },
    unsearchable: { type: 'boolean', description: 'Let nobody; the default for a new name' },
    days: {
      type: 'string',
      description: `How long the claim lasts unless it is renewed, 1 to ${MOST_DAYS} (default 30)`,
      valueHint: 'DAYS',
    },
    release: { type: 'boolean', description: 'Give the name up' },
    'transfer-to': {
      type: 'string',
      description: 'Print a text by which this peer may take the name over',
      valueHint: 'ID',
    },
    transfer: { type: 'string', description: 'Take the name over, with that text', valueHint: 'TEXT' },
    json: { type: 'boolean', description: 'Print {"id", "record"}, or {"transfer"}, as one line of JSON' },
  },
  several: 'words',
  notes: [
    'Names are first come, first served; capitals and other forms of the same letters are one name, and the form that ' +
      'counts is printed. A key has one name: another one releases the former. Register again before the days are ' +
      'over: an expired name is free for all.',
    'What is not given stays as it was. key= removes an entry of the profile.',
    'The text of --transfer-to is good until the name changes hands or this key registers anything again.',
    ONE_SESSION_NOTE,
  ],
  examples: [
    ['supernode register ann --key ann.key', 'claim a name, or renew it'],
    [
      'supernode register ann city=Oslo lang=no --searchable --key ann.key',
      'with a profile, for all to find',
    ],
    ['supernode register ann --release --key ann.key', 'give it up'],
    ['supernode register ann --transfer-to ID --key ann.key > text', 'hand it over to ID,'],
    ['supernode register ann --transfer "$(cat text)" --key new.key', 'who takes it with this'],
  ],
  exitCodes: [RELAY_EXIT_CODE],
  async run(values) {
    const { normalizeName } = await import('../directory/name.ts');
    const name = normalizeName(text(values, 'name')!);
    const days = wholeNumber(values, 'days', 1, MOST_DAYS);
    const todo = readTodo(values);
    const profile = await readProfileChange(text(values, 'profile'), (values['words'] as string[]).slice(1));
    const identity = await neededIdentity(values, 'supernode register');
    const asJson = values['json'] === true;
    return withPeer(relayUrl(values), identity, async (peer) => {
      if (todo.kind === 'hand-over') {
        await mustOwn(peer, name);
        const transfer = await peer.transfer(todo.to);
        await printText(asJson ? `${JSON.stringify({ transfer })}\n` : `${transfer}\n`);
        return EXIT_OK;
      }
      if (todo.kind === 'release') await mustOwn(peer, name);
      const changed = await profileAfter(peer, profile);
      const record = await peer.publish({
        name: todo.kind === 'release' ? null : name,
        ...(todo.kind === 'take' ? { transfer: todo.transfer } : {}),
        ...(changed === undefined ? {} : { profile: changed }),
        ...(todo.searchable === undefined ? {} : { searchable: todo.searchable }),
        ...(days === undefined ? {} : { lifeMs: days * DAY_MS }),
      });
      await printText(
        asJson
          ? `${JSON.stringify({ id: peer.id, record: recordJson(record) })}\n`
          : `${record.name ?? `${name} is released`}\n`,
      );
      return EXIT_OK;
    });
  },
};

type Todo = (
  | { kind: 'claim' }
  | { kind: 'release' }
  | { kind: 'hand-over'; to: string }
  | { kind: 'take'; transfer: string }
) & { searchable: boolean | undefined };

/** @throws UsageError when flags contradict each other; SupernodeError `bad-peer-id`. */
function readTodo(values: FlagValues): Todo {
  const given = [
    'release',
    'transfer-to',
    'transfer',
    'searchable',
    'unsearchable',
    'days',
    'profile',
  ].filter((flag) => values[flag] !== undefined && values[flag] !== false);
  const contradicting = [
    ['release', 'transfer-to', 'transfer'],
    ['searchable', 'unsearchable'],
    // Who gives a name up says nothing else: what was meant by the rest is not known.
    ...['searchable', 'unsearchable', 'days', 'profile'].flatMap((flag) => [
      ['release', flag],
      ['transfer-to', flag],
    ]),
  ]
    .map((flags) => flags.filter((flag) => given.includes(flag)))
    .find((flags) => flags.length > 1);
  if (contradicting) throw new UsageError(`--${contradicting.join(' and --')} contradict each other.`);
  const searchable = given.includes('searchable') ? true : given.includes('unsearchable') ? false : undefined;
  const to = text(values, 'transfer-to');
  const transfer = text(values, 'transfer');
  if (to !== undefined) return { kind: 'hand-over', to: parsePeerId(to).id, searchable };
  if (transfer !== undefined) return { kind: 'take', transfer: transfer.trim(), searchable };
  return { kind: given.includes('release') ? 'release' : 'claim', searchable };
}

/** A name that is given up or handed over by mistake may be gone for good. */
async function mustOwn(peer: Peer, name: string): Promise<void> {
  const own = (await peer.lookup(peer.id))?.record?.name;
  if (own === name) return;
  const has = own === undefined ? 'it has no name there' : `its name there is ${own}`;
  throw new CommandError(EXIT_FAILURE, 'not-found', `${name} is not this key's at ${peer.url}: ${has}.`);
}

async function profileAfter(peer: Peer, change: ProfileChange): Promise<Record<string, unknown> | undefined> {
  if (change.whole === undefined && change.entries.length === 0) return undefined;
  const before = change.whole ?? (await peer.lookup(peer.id))?.record?.profile ?? {};
  const after = new Map(Object.entries(before));
  for (const [key, value] of change.entries) {
    if (value === '') after.delete(key);
    else after.set(key, value);
  }
  return Object.fromEntries(after);
}
