/** What `pipe listen` and `pipe connect` have in common. */
import type { ArgsDef } from 'citty';
import type { Identity } from '../client/node.ts';
import { loadIdentity } from '../identity/key-file.ts';
import { EXIT_FAILURE, EXIT_LOST } from './exit-codes.ts';
import { type FlagValues, text } from './flags.ts';
import { RELAY_ARG, relayUrl } from './peer-flags.ts';

/** The channel's protocol text: a listener takes nothing else. */
export const PIPE_PROTOCOL = 'pipe';

export const PIPE_ARGS = {
  relay: RELAY_ARG,
  key: {
    type: 'string',
    description: 'Key file to be known by (default: a fresh key), see supernode keygen',
    valueHint: 'FILE',
  },
  progress: { type: 'boolean', description: 'Show bytes and rate on stderr, when that is a terminal' },
} satisfies ArgsDef;

export const PIPE_NOTES = [
  'Both directions are open until the stdin of their sender ends. A side is done when the other has written everything to ' +
    'its stdout, and it has done so itself; only then does it exit with 0. Bytes are not encrypted between the ends: ' +
    'the relay could read them.',
];

export const PIPE_EXIT_CODES: [number, string][] = [
  [
    EXIT_FAILURE,
    'the relay cannot be reached, or stdin, stdout or the key file cannot be used (also: stdout was closed)',
  ],
  [EXIT_LOST, 'the channel was lost before everything had been delivered, both ways'],
];

export interface PipeSettings {
  relay: string;
  identity: Identity | undefined;
  progress: boolean;
}

/** @throws SupernodeError `bad-key-file`. */
export async function pipeSettings(values: FlagValues): Promise<PipeSettings> {
  const key = text(values, 'key');
  return {
    relay: relayUrl(values),
    identity: key === undefined ? undefined : await loadIdentity(key),
    progress: values['progress'] === true,
  };
}
