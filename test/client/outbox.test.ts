/** What waits for a socket that is full: in order of priority, in turn, bounded. The socket is a model. */
import { describe, expect, it } from 'vitest';
import { Outbox } from '../../core/client/outbox.ts';
import type { ClientSocket } from '../../core/client/platform.ts';
import { SendHalf } from '../../core/client/send-half.ts';
import { readBundle } from '../../core/protocol/bundle.ts';
import { limit } from '../fixtures/limits.ts';

class SlowSocket implements ClientSocket {
  bufferedAmount = 0;
  mostBuffered = 0;
  watched = false;
  /** Labels of the data frames, in order. */
  readonly labels: number[] = [];

  send(bundle: Uint8Array): void {
    this.bufferedAmount += bundle.length;
    this.mostBuffered = Math.max(this.mostBuffered, this.bufferedAmount);
    readBundle(bundle, { data: (_op, label) => void this.labels.push(label), control: () => {} });
  }

  watchProgress(): void {
    this.watched = true;
  }

  close(): void {}
  terminate(): void {}
}

function rig() {
  const socket = new SlowSocket();
  const due: (() => void)[] = [];
  const outbox = new Outbox({ socket, afterTurn: (flush) => void due.push(flush), beforeFlush: () => {} });
  const half = (label: number, priority: number, reliable: boolean) =>
    new SendHalf({
      sink: outbox,
      label,
      reliable,
      priority,
      lifeMs: 60_000,
      creditBytes: Number.MAX_SAFE_INTEGER,
      onprogress: () => {},
    });
  /** The socket gets rid of everything, again and again, until nothing is left to send. */
  const drain = (): void => {
    do {
      for (const flush of due.splice(0)) flush();
      socket.bufferedAmount = 0;
      socket.watched = false;
      outbox.progress();
    } while (socket.watched || due.length > 0);
  };
  return { socket, outbox, half, drain };
}

const payload = new Uint8Array(60_000);

describe('an outbox whose socket is full', () => {
  it('holds reliable frames back beyond 1 MiB, and sends them all in the end', () => {
    const { socket, half, drain } = rig();
    const sender = half(1, 2, true);
    for (let i = 0; i < 200; i++) sender.send(payload, true);
    expect(sender.bufferedBytes).toBeGreaterThan(10_000_000);
    expect(socket.watched).toBe(true);
    drain();
    expect(socket.labels).toHaveLength(200);
    expect(socket.mostBuffered).toBeLessThanOrEqual(1024 * 1024 + 2 * 65_536);
  });

  it('holds realtime frames back beyond 256 KiB, and drops the oldest of them', () => {
    const { socket, half, drain } = rig();
    const sender = half(1, 1, false);
    for (let i = 0; i < 200; i++) sender.send(payload, true);
    expect(socket.mostBuffered).toBeLessThanOrEqual(256 * 1024 + 2 * 65_536);
    drain();
    expect(socket.labels.length + sender.dropped).toBe(200);
    expect(sender.dropped).toBeGreaterThan(180);
    limit('in the socket: reliable; realtime').sees({ stats: { channel: { dropped: sender.dropped } } });
  });

  it('sends the highest class first', () => {
    const { socket, half, drain } = rig();
    const blocker = half(9, 4, true);
    while (blocker.idle) blocker.send(payload, true);
    const halves = [half(4, 4, true), half(2, 2, true), half(0, 0, true)];
    for (const sender of halves) for (let i = 0; i < 3; i++) sender.send(payload, true);
    const before = socket.labels.length;
    drain();
    const order = socket.labels.slice(before).filter((label) => label !== 9);
    expect(order).toEqual([0, 0, 0, 2, 2, 2, 4, 4, 4]);
  });

  it('lets the channels of a class take turns', () => {
    const { socket, half, drain } = rig();
    const halves = [half(1, 2, true), half(2, 2, true)];
    for (const sender of halves) for (let i = 0; i < 100; i++) sender.send(payload, true);
    drain();
    const whenDone = (label: number): number => socket.labels.lastIndexOf(label);
    expect(socket.labels).toHaveLength(200);
    expect(Math.abs(whenDone(1) - whenDone(2))).toBeLessThan(40);
  });
});
