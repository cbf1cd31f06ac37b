/** A channel's messages as an async iterator: it pulls, so a reliable sender goes no faster than the loop. */
import { type ChannelCore, channelError } from './channel-core.ts';

type Result = IteratorResult<Uint8Array, undefined>;
interface Asked {
  resolve(result: Result): void;
  reject(error: Error): void;
}

const DONE: Result = { done: true, value: undefined };

export function messagesOf(core: ChannelCore): AsyncIterableIterator<Uint8Array> {
  const asked: Asked[] = [];
  let unconsumedBytes = 0;
  let left = false;

  const reader = { ready: answer };
  core.startPull(reader);

  function consume(): void {
    if (unconsumedBytes > 0) core.consumed(unconsumedBytes, false);
    unconsumedBytes = 0;
  }

  /** What there is to answer a next() with; undefined: nothing yet. */
  function nextResult(): Result | Error | undefined {
    if (left || core.endRead) return DONE;
    consume();
    const frame = core.receiving.take();
    if (frame !== undefined) {
      if (frame.payload === null) {
        core.readEnd();
        return DONE;
      }
      unconsumedBytes = frame.frameBytes;
      return { done: false, value: frame.payload };
    }
    if (core.state === 'closing') return DONE;
    if (core.reason === undefined) return undefined;
    const lost = core.kind.reliable && core.reason !== 'closed' && !core.closedHere;
    return lost ? channelError(core.reason, 'before the end of its messages') : DONE;
  }

  /** The next next() is answered with done, and another reader may come. */
  function leave(): void {
    left = true;
    core.stopPull(reader);
  }

  function answer(): void {
    while (asked.length > 0) {
      const result = nextResult();
      if (result === undefined) return;
      if (result instanceof Error || result.done) leave();
      const { resolve, reject } = asked.shift()!;
      if (result instanceof Error) reject(result);
      else resolve(result);
    }
  }

  return {
    next(): Promise<Result> {
      return new Promise((resolve, reject) => {
        asked.push({ resolve, reject });
        answer();
      });
    },
    return(): Promise<Result> {
      if (!left) consume();
      leave();
      answer();
      return Promise.resolve(DONE);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
