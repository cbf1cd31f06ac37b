/**
 * The directory pool: short, batched tasks at a lower priority, so that a flood of logins cannot starve calls in
 * progress. One thread for each lane's task, so that no lane waits for another's: logins, reads and writes.
 */
import { Piscina } from 'piscina';
import { type ErrorCode, SupernodeError } from '../protocol/errors.ts';
import type {
  DirectorySettings,
  ReadAnswer,
  ReadAsk,
  TaskAnswers,
  Trouble,
  WriteAnswer,
  WriteAsk,
} from '../threads/directory-messages.ts';
import { type PackedProofAnswers, packProofs, unpackProofAnswers } from '../threads/login-posts.ts';
import type { LoginProof, ProofAnswer, VerifyTask } from '../threads/messages.ts';
import { TaskGate } from '../threads/task-gate.ts';
import { inTime } from './in-time.ts';
import { CLOSE_WAIT_MS } from './limits.ts';
import { workerExecArgv, workerFile } from './worker-file.ts';

/** Login batches at once. */
export const VERIFIERS = 1;
/** The threads of a relay with a directory: one reads and one writes. */
const LANES = 2;

export class DirectoryThreads {
  readonly #pool: Piscina;
  readonly #settings: DirectorySettings;
  readonly #threads: number;

  /** `failed` hears of a thread that ended between tasks; the pool starts another. */
  constructor(settings: DirectorySettings, failed: (error: Error) => void) {
    this.#settings = settings;
    this.#threads = settings.store === null ? VERIFIERS : VERIFIERS + LANES;
    this.#pool = new Piscina({
      filename: workerFile('directory'),
      execArgv: workerExecArgv,
      minThreads: this.#threads,
      maxThreads: this.#threads,
      atomics: 'disabled',
      // Its histograms take 10 ms to make, and nobody reads them.
      recordTiming: false,
      idleTimeout: Number.POSITIVE_INFINITY,
      niceIncrement: 10,
      workerData: settings,
    });
    this.#pool.on('error', failed);
  }

  async verify(proofs: LoginProof[]): Promise<ProofAnswer[]> {
    const task: VerifyTask = { relayKey: this.#settings.relayKey, proofs: packProofs(proofs) };
    const answers: PackedProofAnswers = await this.#pool.run(task, { name: 'verifyLogins' });
    return unpackProofAnswers(answers);
  }

  read(asks: ReadAsk[]): Promise<TaskAnswers<ReadAnswer>> {
    return this.#pool.run(asks, { name: 'read' });
  }

  write(asks: WriteAsk[]): Promise<TaskAnswers<WriteAnswer>> {
    return this.#pool.run(asks, { name: 'write' });
  }

  /**
   * Opens the store, if there is one, in every thread. Each has loaded its modules then: to end one that is loading LMDB
   * would end the process.
   * @throws SupernodeError `directory-corrupt`, `directory-full` or `directory-unavailable`.
   */
  async open(): Promise<void> {
    const gate = new TaskGate(this.#settings.gate);
    for (let i = 0; i < this.#threads; i++) gate.enter();
    for (const trouble of await Promise.all(this.#inEveryThread<Trouble | null>('openStore'))) {
      if (trouble) throw new SupernodeError(trouble.code as ErrorCode, trouble.message);
    }
  }

  /** Closes the store in every thread, then ends the threads. No task may be under way: see task-gate.ts. */
  async close(): Promise<void> {
    await inTime(Promise.allSettled(this.#inEveryThread('closeStore')), CLOSE_WAIT_MS);
    await this.#pool.destroy();
  }

  #inEveryThread<R>(name: string): Promise<R>[] {
    const task = { done: new SharedArrayBuffer(4), threads: this.#threads, waitMs: CLOSE_WAIT_MS };
    return Array.from({ length: this.#threads }, () => this.#pool.run(task, { name }));
  }
}
