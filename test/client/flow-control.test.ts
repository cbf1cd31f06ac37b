/** The two halves of a channel against a plain model: what was sent, in order, and nothing but arithmetic. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReceiveHalf } from '../../core/client/receive-half.ts';
import { type DataSink, MAX_RELIABLE_QUEUE_BYTES, SendHalf } from '../../core/client/send-half.ts';
import { dataFrameBytes, isEndOp } from '../../core/protocol/frame.ts';
import {
  LARGE_WINDOW_BYTES,
  MAX_PAYLOAD_BYTES,
  MAX_REALTIME_QUEUE_BYTES,
  SMALL_WINDOW_BYTES,
} from '../../core/protocol/limits.ts';

interface Frame {
  payload: Uint8Array | null;
  frameBytes: number;
}

/** A sender, a receiver, and the two directions of a network between them that deliver when told to. */
class Line implements DataSink {
  readonly data: Frame[] = [];
  readonly credits: number[] = [];
  readonly sender: SendHalf;
  readonly receiver: ReceiveHalf;
  readonly taken: Frame[] = [];
  socketFull = false;
  nowMs = 0;
  #waiting: SendHalf | undefined;

  constructor(reliable: boolean, windowBytes: number) {
    this.sender = new SendHalf({
      sink: this,
      label: 1,
      reliable,
      priority: 2,
      lifeMs: reliable ? 0 : 100,
      creditBytes: windowBytes,
      onprogress: () => {},
      now: () => this.nowMs,
    });
    this.receiver = new ReceiveHalf(reliable, windowBytes);
  }

  takesData(): boolean {
    return !this.socketFull;
  }

  addData(op: number, _label: number, payload: Uint8Array): void {
    const copy = isEndOp(op) ? null : payload.slice();
    this.data.push({ payload: copy, frameBytes: dataFrameBytes(payload.length) });
  }

  waitForSocket(half: SendHalf): void {
    half.waiting = true;
    this.#waiting = half;
  }

  setSocketFull(full: boolean): void {
    this.socketFull = full;
    if (full || this.#waiting === undefined) return;
    const half = this.#waiting;
    this.#waiting = undefined;
    half.waiting = false;
    half.pump(Number.POSITIVE_INFINITY);
  }

  deliverData(): boolean {
    const frame = this.data.shift();
    if (frame === undefined) return false;
    if (this.receiver.admit(frame.payload === null, frame.frameBytes)) this.receiver.keep(frame);
    return true;
  }

  deliverCredit(): boolean {
    const bytes = this.credits.shift();
    if (bytes === undefined) return false;
    this.sender.credit(bytes);
    return true;
  }

  consume(): boolean {
    const frame = this.receiver.take();
    if (frame === undefined) return false;
    this.taken.push(frame);
    const due = this.receiver.consumed(frame.frameBytes, frame.payload === null);
    const grant = this.receiver.takeGrant();
    expect(grant > 0).toBe(due);
    if (grant > 0) this.credits.push(grant);
    return true;
  }

  /** Lets everything happen that can. */
  settle(): void {
    this.setSocketFull(false);
    while (this.deliverData() || this.consume() || this.deliverCredit());
  }
}

const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('send' as const), bytes: fc.nat(MAX_PAYLOAD_BYTES) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('send' as const), bytes: fc.nat(300) }) },
    { weight: 3, arbitrary: fc.constant({ do: 'deliver' as const }) },
    { weight: 3, arbitrary: fc.constant({ do: 'consume' as const }) },
    { weight: 3, arbitrary: fc.constant({ do: 'credit' as const }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('socket' as const), full: fc.boolean() }) },
  ),
  // Not fast-check's default size, with which walks have about ten steps and windows are never exhausted.
  { maxLength: 200, size: 'max' },
);

function message(number: number, bytes: number): Uint8Array {
  const payload = new Uint8Array(Math.max(4, bytes));
  new DataView(payload.buffer).setUint32(0, number);
  return payload;
}

function numbers(frames: Frame[]): (number | 'end')[] {
  return frames.map(({ payload }) =>
    payload === null ? 'end' : new DataView(payload.buffer, payload.byteOffset).getUint32(0),
  );
}

describe('a reliable direction', () => {
  it.each([
    ['large', LARGE_WINDOW_BYTES],
    ['small', SMALL_WINDOW_BYTES],
  ])(
    'with a %s window delivers all in order, within its credit, and always moves on',
    (_name, windowBytes) => {
      fc.assert(
        fc.property(steps, (walk) => {
          const line = new Line(true, windowBytes);
          let sent = 0;
          let underWayBytes = 0;
          for (const step of walk) {
            if (step.do === 'send' && line.sender.fits(step.bytes + 4))
              line.sender.send(message(sent++, step.bytes), false);
            else if (step.do === 'deliver') line.deliverData();
            else if (step.do === 'consume') line.consume();
            else if (step.do === 'credit') line.deliverCredit();
            else if (step.do === 'socket') line.setSocketFull(step.full);
            underWayBytes = line.data.reduce((sum, frame) => sum + frame.frameBytes, 0);
            expect(underWayBytes).toBeLessThanOrEqual(windowBytes);
            expect(numbers(line.taken)).toEqual(Array.from({ length: line.taken.length }, (_, i) => i));
          }
          line.sender.end();
          line.settle();
          expect(numbers(line.taken)).toEqual([...Array.from({ length: sent }, (_, i) => i), 'end']);
          expect(line.sender.finished).toBe(true);
          expect(line.sender.bufferedBytes).toBe(0);
        }),
        { numRuns: 150 },
      );
    },
  );

  it('is not finished before its end was consumed', () => {
    const line = new Line(true, LARGE_WINDOW_BYTES);
    line.sender.send(message(0, 1000), false);
    line.sender.end();
    while (line.deliverData());
    line.consume();
    while (line.deliverCredit());
    expect(line.sender.finished).toBe(false);
    line.consume();
    line.deliverCredit();
    expect(line.sender.finished).toBe(true);
  });

  it('does not take what was thrown away for consumed', () => {
    const line = new Line(true, LARGE_WINDOW_BYTES);
    line.sender.send(message(0, 300_000), false);
    line.sender.end();
    while (line.deliverData());
    line.receiver.discard();
    const grant = line.receiver.takeGrant();
    expect(grant).toBeGreaterThan(0);
    line.sender.credit(grant);
    expect(line.sender.finished).toBe(false);
  });

  it('refuses more than was granted', () => {
    const receiver = new ReceiveHalf(true, 1000);
    expect(receiver.admit(false, 1000)).toBe(true);
    expect(() => receiver.admit(false, 9)).toThrow(RangeError);
  });

  it('has no room beyond 16 MiB, however small the messages', () => {
    const line = new Line(true, 0);
    let messages = 0;
    while (line.sender.fits(0)) {
      line.sender.send(new Uint8Array(0), false);
      messages++;
    }
    expect(messages).toBeLessThan(MAX_RELIABLE_QUEUE_BYTES / 16);
    expect(line.sender.fits(0)).toBe(false);
  });

  it('keeps its own copy of a message that has to wait', () => {
    const line = new Line(true, SMALL_WINDOW_BYTES);
    line.setSocketFull(true);
    const payload = message(7, 100);
    line.sender.send(payload, false);
    payload.fill(0);
    line.settle();
    expect(numbers(line.taken)).toEqual([7]);
  });
});

describe('a realtime direction', () => {
  it('keeps the newest when the socket is full, and counts what it dropped', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40_000), { minLength: 1, maxLength: 60, size: 'max' }), (sizes) => {
        const line = new Line(false, 0);
        line.setSocketFull(true);
        for (const [i, bytes] of sizes.entries()) line.sender.send(message(i, bytes), false);
        expect(line.sender.bufferedBytes).toBeLessThanOrEqual(MAX_REALTIME_QUEUE_BYTES);
        line.settle();
        // All arrives before any of it is read, so the receiver may have to drop the oldest as well.
        const first = line.sender.dropped + line.receiver.dropped;
        expect(numbers(line.taken)).toEqual(
          Array.from({ length: sizes.length - first }, (_, i) => first + i),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('does not send what outlived its life', () => {
    const line = new Line(false, 0);
    line.setSocketFull(true);
    line.sender.send(message(0, 10), false);
    line.nowMs = 60;
    line.sender.send(message(1, 10), false);
    line.nowMs = 120;
    line.settle();
    expect(numbers(line.taken)).toEqual([1]);
    expect(line.sender.dropped).toBe(1);
  });

  it('keeps the newest when nobody reads, and the end in any case', () => {
    const receiver = new ReceiveHalf(false, 0);
    const frames = 100;
    for (let i = 0; i < frames; i++) {
      const payload = message(i, 10_000);
      receiver.admit(false, dataFrameBytes(payload.length));
      receiver.keep({ payload, frameBytes: dataFrameBytes(payload.length) });
    }
    receiver.admit(true, 9);
    receiver.keep({ payload: null, frameBytes: 9 });
    const left: Frame[] = [];
    for (let frame = receiver.take(); frame !== undefined; frame = receiver.take()) left.push(frame);
    expect(receiver.dropped).toBeGreaterThan(0);
    expect(numbers(left)).toEqual([
      ...Array.from({ length: frames - receiver.dropped }, (_, i) => receiver.dropped + i),
      'end',
    ]);
  });
});
