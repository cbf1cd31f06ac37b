/** `supernode why`: what a relay dropped, throttled or refused of a peer, or between two, and by which limit. */
import type { Command } from './command.ts';
import { EXIT_FAILURE, EXIT_NO_PEER, EXIT_OK, UsageError } from './exit-codes.ts';
import { text, wholeNumber } from './flags.ts';
import { printText } from './print.ts';

const MOST_MINUTES = 15;

export const why: Command = {
  name: 'supernode why',
  description:
    'Tells what a relay dropped, throttled or refused of a peer, or between two, and by which limit',
  args: {
    peer: { type: 'positional', description: 'Id or name of a peer, or of two', valueHint: 'PEER [PEER]' },
    minutes: {
      type: 'string',
      description: `How far back (default and most: ${MOST_MINUTES})`,
      valueHint: 'N',
    },
    url: {
      type: 'string',
      description: 'ws://127.0.0.1:PORT of a relay of this user, or http://HOST:PORT of an admin port',
      valueHint: 'URL',
    },
    json: { type: 'boolean', description: 'Print what the relay answers, JSON' },
  },
  several: 'peer',
  notes: [
    'The relay keeps this in memory, for 15 minutes, in bounded tables; it is for the operator, as supernode status is, and ' +
      'finds the relay and its token in the same way.',
    'A peer that hides is found by its id alone.',
  ],
  examples: [
    ['supernode why 7hq3...', 'of one peer: what was its, and what was for it'],
    ['supernode why ann bob --minutes 5', 'between two'],
    ['supernode why ann --json', 'for a program'],
  ],
  exitCodes: [
    [EXIT_FAILURE, 'no relay runs there, or it refused the token'],
    [EXIT_NO_PEER, 'nobody has that name'],
  ],
  async run(values) {
    const peers = values['peer'] as string[];
    if (peers.length > 2)
      throw new UsageError(`supernode why is about one peer or two, not ${peers.length}.`);
    const minutes = wholeNumber(values, 'minutes', 1, MOST_MINUTES) ?? MOST_MINUTES;
    const query = new URLSearchParams({ peer: peers[0]!, minutes: String(minutes) });
    if (peers[1] !== undefined) query.set('other', peers[1]);
    const { findAdmin } = await import('./find-admin.ts');
    const { askAdmin } = await import('./ask-admin.ts');
    const reply = await askAdmin(await findAdmin(text(values, 'url')), { path: `/why?${query}` });
    if (values['json'] === true) await printText(`${reply.text.trimEnd()}\n`);
    else {
      const { whyText } = await import('./why-text.ts');
      await printText(`${whyText(reply.json as Parameters<typeof whyText>[0], Date.now())}\n`);
    }
    return EXIT_OK;
  },
};
