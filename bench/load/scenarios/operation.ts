/** Counts and latencies of one kind of operation, over the measured time. */
import { setTimeout as after } from 'node:timers/promises';
import { LatencyRecorder } from '../latency.ts';
import type { Pacer } from './pacer.ts';
import type { OperationResult } from './scenario.ts';

/** An operation under way for longer than this when the measured time ends counts with its age: a stall must show. */
const STUCK_MS = 100;
/** Something whose operations are under way; calls back with the time that each was due. */
export interface UnderWay {
  eachDueAtMs(visit: (dueAtMs: number) => void): void;
}

/** One operation that is under way. */
export interface Span {
  readonly dueAtMs: number;
}

/** All times are those of performance.now(). */
export class Operation {
  #latency: LatencyRecorder | null = null;
  readonly #spans = new Set<Span>();
  readonly #sources = new Set<UnderWay>();
  #fromMs = Number.POSITIVE_INFINITY;
  #due = 0;
  #done = 0;
  #lost = 0;

  /** The measured time begins. */
  reset(nowMs: number): void {
    this.#latency = new LatencyRecorder();
    this.#fromMs = nowMs;
    this.#due = this.#done = this.#lost = 0;
  }

  /** Flows count what is under way themselves. */
  addSource(source: UnderWay): void {
    this.#sources.add(source);
  }

  removeSource(source: UnderWay): void {
    this.#sources.delete(source);
  }

  /** Of a closed loop, or of an operation that `countDue` was told of when it was due. */
  begin(dueAtMs: number): Span {
    const span = { dueAtMs };
    this.#spans.add(span);
    return span;
  }

  beginDue(dueAtMs: number): Span {
    this.countDue(dueAtMs);
    return this.begin(dueAtMs);
  }

  end(span: Span, nowMs: number): void {
    if (this.#spans.delete(span)) this.countDone(span.dueAtMs, nowMs);
  }

  /** It ends, but was not done: it counts as neither done nor lost. */
  drop(span: Span): void {
    this.#spans.delete(span);
  }

  countDue(dueAtMs: number): void {
    if (dueAtMs >= this.#fromMs) this.#due++;
  }

  countDone(dueAtMs: number, nowMs: number): void {
    if (nowMs < this.#fromMs) return;
    this.#done++;
    this.#latency!.record(nowMs - dueAtMs);
  }

  countLost(count: number): void {
    this.#lost += count;
  }

  /** Ends the measured time. @param openLoop whether `due` means anything. */
  result(nowMs: number, openLoop: boolean): OperationResult {
    let underWay = 0;
    const visit = (dueAtMs: number): void => {
      underWay++;
      if (nowMs - dueAtMs > STUCK_MS) this.#latency!.record(nowMs - dueAtMs);
    };
    for (const span of this.#spans) visit(span.dueAtMs);
    for (const source of this.#sources) source.eachDueAtMs(visit);
    return {
      due: openLoop ? this.#due : null,
      done: this.#done,
      perSec: (this.#done * 1000) / (nowMs - this.#fromMs),
      underWay,
      lost: this.#lost,
      histogram: this.#latency!.encode(),
    };
  }
}

/** Lets the measured time of a phase pass. The load may be late: what was due by its end is sent before this returns. */
export async function measureSpan(
  operations: Iterable<Operation>,
  spanMs: number,
  pacer: Pacer,
): Promise<{ elapsedMs: number; cpuMs: number; endedAtMs: number }> {
  const cpuBefore = process.cpuUsage();
  const startedAtMs = performance.now();
  for (const operation of operations) operation.reset(startedAtMs);
  await after(spanMs);
  const endedAtMs = performance.now();
  const { user, system } = process.cpuUsage(cpuBefore);
  pacer.catchUp(endedAtMs);
  return { elapsedMs: endedAtMs - startedAtMs, cpuMs: (user + system) / 1000, endedAtMs };
}
