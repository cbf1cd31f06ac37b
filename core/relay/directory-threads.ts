/**
 * The directory pool: short, batched tasks at a lower priority, so that a flood of logins cannot starve calls in
 * progress. One thread for each lane's task, so that no lane waits for another's: logins, reads and writes.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { type ErrorCode, SupernodeError } from '../protocol/errors.ts';
import type {
  DirectorySettings,
  ReadAnswer,
  ReadAsk,
  ReaderTask,
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
  readonly #failed: (error: Error) => void;
  /** A post to it ends the task of the thread that reads. */
  #readerControl: MessagePort | null = null;
  #closing = false;

  /** `failed` hears of a thread that ended between tasks, or while it read; the pool starts another. */
  constructor(settings: DirectorySettings, failed: (error: Error) => void) {
    this.#settings = settings;
    this.#failed = failed;
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

  /**
   * Has a thread read for the shards from now on, and another one if it dies.
   * @param connect is given a port for each shard (workers/shard/reads.ts), again when there is another thread.
   */
  serveReads(shards: number, connect: (shard: number, port: MessagePort) => void): void {
    const { port1: control, port2: theirControl } = new MessageChannel();
    const channels = Array.from({ length: shards }, () => new MessageChannel());
    const ports = channels.map(({ port2 }) => port2);
    const task: ReaderTask = { ports, control: theirControl };
    this.#readerControl = control;
    this.#pool.run(task, { name: 'serveReads', transferList: [...ports, theirControl] }).catch((error) => {
      if (this.#closing) return;
      this.#failed(error as Error);
      this.serveReads(shards, connect);
    });
    for (const [shard, { port1 }] of channels.entries()) connect(shard, port1);
  }

  /** For the relay itself: by another thread than the one that reads for the shards. */
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
    this.#closing = true;
    this.#readerControl?.postMessage('end');
    await inTime(Promise.allSettled(this.#inEveryThread('closeStore')), CLOSE_WAIT_MS);
    await this.#pool.destroy();
  }

  #inEveryThread<R>(name: string): Promise<R>[] {
    const task = { done: new SharedArrayBuffer(4), threads: this.#threads, waitMs: CLOSE_WAIT_MS };
    return Array.from({ length: this.#threads }, () => this.#pool.run(task, { name }));
  }
}
