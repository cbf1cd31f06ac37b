/**
 * Leaving in good order, as the main thread runs it: every shard says whom it has and who talks to whom, the plan says who
 * leaves when (drain-plan.ts), and the shards do it (workers/shard/drain.ts). The end is bounded whatever peers do.
 */

import { type LeavingSessions, planDrain, RESTART_MS } from '../overload/drain-plan.ts';
import type { ToShard } from '../threads/messages.ts';
import type { ResolvedDrain } from './drain-options.ts';

export interface DrainingHost {
  readonly shards: number;
  tell(shard: number, message: ToShard): void;
  sessions(): number;
  /** Closed meanwhile: there is nothing left to wait for. */
  closed(): boolean;
}

/** A shard that has not said whom it has by then is planned for by itself when it does. */
const ANSWER_MS = 1_000;
/** How long after its last moment the drain waits for sessions to end. */
const LAST_MS = 1_000;
const LOOK_MS = 10;

export class Draining {
  readonly #host: DrainingHost;
  readonly options: ResolvedDrain;
  readonly #answers: (LeavingSessions | null)[];
  readonly #beganAt = performance.now();
  #planned = false;
  #everyone: () => void = () => {};

  constructor(host: DrainingHost, drain: ResolvedDrain) {
    this.#host = host;
    this.options = drain;
    this.#answers = new Array(host.shards).fill(null);
  }

  /** When the last peer has left, at the latest, milliseconds from now. */
  get endsInMs(): number {
    const { graceMs, spreadMs } = this.options;
    const lastMs = this.#beganAt + ANSWER_MS + graceMs + spreadMs + LAST_MS;
    return Math.max(0, Math.ceil(lastMs - performance.now()));
  }

  async run(): Promise<void> {
    const { shards, tell, sessions, closed } = this.#host;
    const { graceMs, spreadMs, retryAfterMs, successors } = this.options;
    const deadline = performance.now() + this.endsInMs;
    const answered = new Promise<void>((resolve) => {
      this.#everyone = resolve;
    });
    const newcomersRetryMs = retryAfterMs ?? (successors.length > 0 ? 0 : graceMs + spreadMs + RESTART_MS);
    for (let shard = 0; shard < shards; shard++) {
      tell(shard, { kind: 'drain', retryAfterMs: newcomersRetryMs, successors });
    }
    const timer = setTimeout(this.#everyone, ANSWER_MS);
    await answered;
    clearTimeout(timer);
    this.#plan(this.#answers);
    this.#planned = true;
    while (sessions() > 0 && performance.now() < deadline && !closed()) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  heard(shard: number, leaving: LeavingSessions): void {
    if (this.#planned) {
      this.#plan(this.#answers.map((_, index) => (index === shard ? leaving : null)));
      return;
    }
    this.#answers[shard] = leaving;
    if (!this.#answers.includes(null)) this.#everyone();
  }

  #plan(answers: (LeavingSessions | null)[]): void {
    const none: LeavingSessions = { count: 0, channels: new Float64Array(), owners: new Uint32Array() };
    const orders = planDrain(
      answers.map((answer) => answer ?? none),
      { ...this.options, successors: this.options.successors.length },
    );
    answers.forEach((answer, shard) => {
      if (answer !== null) this.#host.tell(shard, { kind: 'leave', orders: orders[shard]! });
    });
  }
}
