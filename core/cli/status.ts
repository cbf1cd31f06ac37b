/** `supernode status`: the numbers of a running relay. They are the operator's, so it takes the operator's token. */
import type { Command } from './command.ts';
import { EXIT_FAILURE, EXIT_OK } from './exit-codes.ts';
import { text } from './flags.ts';
import { printText } from './print.ts';

export const status: Command = {
  name: 'supernode status',
  description: 'Shows the numbers of a running relay',
  args: {
    url: {
      type: 'string',
      description: 'ws://127.0.0.1:PORT of a relay of this user, or http://HOST:PORT of an admin port',
      valueHint: 'URL',
    },
    json: { type: 'boolean', description: 'Print what the relay answers, JSON' },
  },
  notes: [
    'The numbers are for the operator: the user who ran supernode start (status finds the token in a file that only ' +
      'this user can read), or whoever has the token, in SUPERNODE_ADMIN_TOKEN with --url http://HOST:PORT. Without ' +
      '--url it asks the relay on port 7420, or else the only relay of this user.',
  ],
  examples: [
    ['supernode status', 'the relay of this user'],
    ['supernode status --url ws://127.0.0.1:7500 --json', 'the one on port 7500'],
    ['supernode status --url http://127.0.0.1:7421', 'an admin port, with SUPERNODE_ADMIN_TOKEN'],
  ],
  exitCodes: [[EXIT_FAILURE, 'no relay runs there, or it refused the token']],
  async run(values) {
    const { findAdmin } = await import('./find-admin.ts');
    const { askStatus } = await import('./ask-status.ts');
    const { body, numbers } = await askStatus(await findAdmin(text(values, 'url')));
    if (values['json'] === true) {
      await printText(`${body.trimEnd()}\n`);
    } else {
      const { statusTable } = await import('./status-table.ts');
      await printText(`${statusTable(numbers)}\n`);
    }
    return EXIT_OK;
  },
};
