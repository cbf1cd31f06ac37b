// Takes the lock of the store at argv[2] when told to, says what came of it, and ends as told.
import { lockStore } from '../../dist/core/directory/lock.js';

process.stdout.write('ready\n');
process.stdin.setEncoding('utf8').on('data', (text) => {
  for (const word of text.trim().split('\n')) {
    if (word === 'exit') process.exit(0);
    if (word !== 'lock') continue;
    try {
      lockStore(process.argv[2]);
      process.stdout.write('has it\n');
    } catch (error) {
      process.stdout.write(`${error.code}\n`);
    }
  }
});
