import { describe, expect, it } from 'vitest';
import { type DataSink, SendHalf } from '../../core/client/send-half.ts';

/** A sink that takes everything and keeps a copy. */
class Kept implements DataSink {
  readonly payloads: Buffer[] = [];
  takesData(): boolean {
    return true;
  }
  addData(_op: number, _label: number, payload: Uint8Array): void {
    this.payloads.push(Buffer.from(payload));
  }
  waitForSocket(): void {}
}

describe('what waits in the sending half', () => {
  it.each([
    ['a Buffer', (bytes: number[]) => Buffer.from(bytes)],
    ['a Uint8Array', (bytes: number[]) => Uint8Array.from(bytes)],
  ])('keeps its bytes when %s that was sent is changed afterwards', (_name, make) => {
    const sink = new Kept();
    const half = new SendHalf({
      sink,
      label: 1 << 20,
      reliable: true,
      priority: 2,
      lifeMs: 0,
      creditBytes: 0,
      onprogress: () => {},
    });
    const reused = make([1, 2, 3]);
    half.send(reused, false);
    reused.fill(9);
    half.credit(100);
    expect(sink.payloads).toEqual([Buffer.from([1, 2, 3])]);
  });
});
