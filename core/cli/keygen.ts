/** `supernode keygen`: makes a key file. */
import { createKeyFile } from '../identity/key-file.ts';
import type { Command } from './command.ts';
import { EXIT_FAILURE, EXIT_OK } from './exit-codes.ts';
import { text } from './flags.ts';
import { printText } from './print.ts';

export const keygen: Command = {
  name: 'supernode keygen',
  description: 'Makes a key file of mode 0600, and prints the peer id of the key',
  args: {
    out: { type: 'string', description: 'File to write', valueHint: 'FILE', required: true },
    force: { type: 'boolean', description: 'Replace a file that is there; the identity it holds is lost' },
    json: { type: 'boolean', description: 'Print {"id", "file"} as one line of JSON' },
  },
  examples: [
    ['supernode keygen --out me.key', 'prints the peer id'],
    ['supernode pipe listen --key me.key', 'listen under that id'],
  ],
  exitCodes: [[EXIT_FAILURE, 'the file exists, or cannot be written']],
  async run(values) {
    const file = text(values, 'out')!;
    const { id } = await createKeyFile(file, { force: values['force'] === true });
    await printText(values['json'] ? `${JSON.stringify({ id, file })}\n` : `${id}\n`);
    return EXIT_OK;
  },
};
