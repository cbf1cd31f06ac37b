/**
 * What this shard asks of the directory pool: gathered over a turn, handed on in one go for reads and one for writes, and
 * each answer brought back to who asked. An answer to a session that has ended goes nowhere.
 */
import type {
  Failure,
  ReadAnswer,
  ReadAnswers,
  ReadAsk,
  ShardAnswer,
  ShardAsk,
  WriteAnswer,
  WriteAnswers,
  WriteAsk,
} from '../../core/threads/directory-messages.ts';
import { LIVE, type Session } from './session.ts';

type Answers = ReadAnswers & WriteAnswers;
export type Ask = ReadAsk | WriteAsk;
export type AskName = Ask['t'];
export type AskOf<T extends AskName> = Extract<Ask, { t: T }>;
export type AnswerOf<T extends AskName> = Answers[T] | Failure;

export interface AsksHost {
  /** Asks for a turn: `post` will be called. */
  schedule(): void;
  /** An answer could not be worked off: costs its session, not the ones after it. */
  fault(session: Session, error: unknown): void;
}

interface Waiting {
  session: Session;
  answered: (answer: ReadAnswer | WriteAnswer) => void;
}

const WRITES: ReadonlySet<AskName> = new Set<AskName>([
  'publish',
  'vault-put',
  'policy-set',
  'send',
  'mail-ack',
  'seen',
  'sweep',
]);

export class Asks {
  readonly #host: AsksHost;
  readonly #waiting = new Map<number, Waiting>();
  #reads: ShardAsk[] = [];
  #writes: ShardAsk[] = [];
  #lastId = 0;

  constructor(host: AsksHost) {
    this.#host = host;
  }

  /** Asks that wait for their answers. Bounded by what each session may have under way. */
  get waiting(): number {
    return this.#waiting.size;
  }

  ask<T extends AskName>(session: Session, ask: AskOf<T>, answered: (answer: AnswerOf<T>) => void): void {
    // Not the peer's: two requests of it may have the same.
    const requestId = this.#freeId();
    this.#waiting.set(requestId, { session, answered: answered as unknown as Waiting['answered'] });
    (WRITES.has(ask.t) ? this.#writes : this.#reads).push({ requestId, ask });
    this.#host.schedule();
  }

  /** Hands over what was asked in this turn. @returns how many asks. */
  post(to: { read(asks: ShardAsk[]): void; write(asks: ShardAsk[]): void }): number {
    const [reads, writes] = [this.#reads, this.#writes];
    if (reads.length > 0) {
      this.#reads = [];
      to.read(reads);
    }
    if (writes.length > 0) {
      this.#writes = [];
      to.write(writes);
    }
    return reads.length + writes.length;
  }

  answers(answers: ShardAnswer[]): void {
    for (const { requestId, answer } of answers) {
      const waiting = this.#waiting.get(requestId);
      if (waiting === undefined) continue;
      this.#waiting.delete(requestId);
      if (waiting.session.state !== LIVE) continue;
      try {
        waiting.answered(answer);
      } catch (error) {
        this.#host.fault(waiting.session, error);
      }
    }
  }

  #freeId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0;
    while (this.#waiting.has(this.#lastId));
    return this.#lastId;
  }
}
