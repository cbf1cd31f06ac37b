/**
 * What an operator must hear of when this shard comes to a limit: looked at now and then by the counters, so that where a
 * limit is reached nothing is done but to count.
 */
import { MAX_READS_PENDING, MAX_SHARD_QUEUE_BYTES } from '../../core/protocol/limits.ts';
import { C, type CounterName } from '../../core/threads/counters.ts';
import { MAX_ENDS } from './ends.ts';

/** The operator hears of the same limit this often at most. */
const WARN_EVERY_MS = 60_000;

interface Limit {
  counter: CounterName;
  code: string;
  /** @param times since it was last told of. */
  message(times: number): string;
}

const LIMITS: Limit[] = [
  {
    counter: 'loginsNoRoom',
    code: 'relay-full',
    message: (times) => `The relay holds all the peers that it has room for (maxPeers): ${times} refused.`,
  },
  {
    counter: 'endsFull',
    code: 'channels-full',
    message: (times) => `A shard has ${MAX_ENDS} channel ends, as many as it may: ${times} refused.`,
  },
  {
    counter: 'endedOverloaded',
    code: 'shard-full',
    message: (times) =>
      `A shard holds ${MAX_SHARD_QUEUE_BYTES} bytes for receivers that do not keep up, or a socket took no more: ${times} sessions ended.`,
  },
  {
    counter: 'readsRefused',
    code: 'directory-busy',
    message: (times) =>
      `As many reads wait for the directory as may (${MAX_READS_PENDING} of all shards): ${times} were told to come back.`,
  },
  {
    counter: 'dropBehind',
    code: 'shard-behind',
    message: (times) => `A shard is late with its work: ${times} realtime frames below audio were shed.`,
  },
  {
    counter: 'dropRing',
    code: 'ring-full',
    message: (times) => `A shard is behind with what others hand to it: ${times} realtime frames were lost.`,
  },
];

export class LimitWarnings {
  readonly #counters: Float64Array;
  readonly #warn: (code: string, message: string) => void;
  readonly #told = LIMITS.map(() => ({ count: 0, at: Number.NEGATIVE_INFINITY }));

  constructor(counters: Float64Array, warn: (code: string, message: string) => void) {
    this.#counters = counters;
    this.#warn = warn;
  }

  look(now: number): void {
    LIMITS.forEach(({ counter, code, message }, i) => {
      const told = this.#told[i]!;
      const count = this.#counters[C[counter]]!;
      if (count === told.count || now - told.at < WARN_EVERY_MS) return;
      this.#warn(code, message(count - told.count));
      told.count = count;
      told.at = now;
    });
  }
}
