/** The tasks of the lanes for reads and writes: a batch of asks each. */
import type { Directory } from '../../core/directory/directory.ts';
import { storeFailure } from '../../core/directory/refusal.ts';
import { SupernodeError } from '../../core/protocol/errors.ts';
import type {
  ReadAnswer,
  ReadAsk,
  TaskAnswers,
  WriteAnswer,
  WriteAsk,
} from '../../core/threads/directory-messages.ts';
import { noteTrouble, takeTroubles, theDirectory } from './store.ts';

export function read(asks: ReadAsk[]): TaskAnswers<ReadAnswer> {
  return answersTo(asks, (directory) => directory.read(asks));
}

export function write(asks: WriteAsk[]): TaskAnswers<WriteAnswer> {
  return answersTo(asks, (directory) => {
    const answers = directory.write(asks);
    // Its bound of records, unlike that of its bytes, is no failure of the store.
    const full = answers.find((answer) => 'failed' in answer && answer.failed.code === 'directory-full');
    if (full && 'failed' in full) noteTrouble(new SupernodeError('directory-full', full.failed.message));
    return answers;
  });
}

function answersTo<A extends ReadAnswer | WriteAnswer>(
  asks: (ReadAsk | WriteAsk)[],
  work: (directory: Directory) => A[],
): TaskAnswers<A> {
  try {
    const directory = theDirectory();
    if (directory === null) throw new SupernodeError('directory-unavailable', 'This relay has no directory.');
    return { answers: work(directory), troubles: takeTroubles() };
  } catch (error) {
    // It could not be opened.
    noteTrouble(error);
    return { answers: asks.map(({ t }) => ({ t, ...storeFailure(error) }) as A), troubles: takeTroubles() };
  }
}
