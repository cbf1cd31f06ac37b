import { decodeFromCompressedBase64 } from 'hdr-histogram-js';
import { describe, expect, it } from 'vitest';
import type { Measured } from '../../../bench/load/plan.ts';
import { startBareRelay } from '../../fixtures/relay.ts';
import { startLabelServer, type Tamper } from './label-server.ts';
import { AUDIO, closed, open, startEngine } from './run-engine.ts';

function histogramOf({ histogram }: Measured) {
  return decodeFromCompressedBase64(histogram);
}

describe('the load on a real relay', () => {
  it('runs closed and open phases in sequence, and counts what arrived', async () => {
    const relay = await startBareRelay();
    const engine = await startEngine({ dialect: 'supernode', address: relay.url, peers: 10 });
    const single = await engine.run(closed(8, 'single'));
    const bundled = await engine.run(closed(8, 'bundled'));
    const paced = await engine.run(open());
    expect(relay.stats().drops).toMatchObject({ label: 0, class: 0, control: 0, expired: 0, oldest: 0 });
    const { packets, lost } = await engine.stop();
    expect(lost).toBe(0);
    for (const phase of [single, bundled]) {
      expect(phase.packets).toBeGreaterThan(0);
      expect(phase.bytes).toBe(phase.packets * 60);
      expect(phase.due).toBeNull();
      expect(histogramOf(phase).totalCount).toBeGreaterThan(0);
    }
    // 10 directions at 100 a second for 300 ms: each has 30, whatever its offset.
    expect(paced.due).toBe(300);
    expect(paced.packets).toBe(300);
    expect(histogramOf(paced).totalCount).toBe(300);
    expect(packets).toBeGreaterThanOrEqual(single.packets + bundled.packets + paced.packets);
  });

  it('has several flows in a call, reliable ones among them, and more bytes than a credit covers', async () => {
    const relay = await startBareRelay();
    const chat = { ...AUDIO, name: 'chat', priority: 'message', reliable: true } as const;
    const flows = [
      { ...chat, sizes: { oneOf: [4, 300, 60_000] }, ratePerSec: 200 },
      { ...AUDIO, name: 'video', priority: 'video', burst: 4, sizes: { oneOf: [350, 500] } } as const,
      AUDIO,
    ];
    const engine = await startEngine({ dialect: 'supernode', address: relay.url, flows });
    const first = await engine.run(closed(20));
    // A window of 1 MiB is renewed many times.
    expect(first.bytes).toBeGreaterThan(4 * 2 ** 20);
    const paced = await engine.run(open());
    expect(paced.packets).toBe(paced.due);
    expect((await engine.stop()).lost).toBe(0);
  });

  it('has everybody talk to one', async () => {
    const relay = await startBareRelay({ shards: 2 });
    const engine = await startEngine({
      dialect: 'supernode',
      address: relay.url,
      peers: 40,
      shape: 'fan-in',
    });
    expect((await engine.run(closed(4))).packets).toBeGreaterThan(0);
    const paced = await engine.run(open());
    expect(paced.due).toBe(2 * 39 * 30);
    expect(paced.packets).toBe(paced.due);
    expect((await engine.stop()).lost).toBe(0);
  });

  it('tells when the connections end under it', async () => {
    const relay = await startBareRelay();
    const engine = await startEngine({ dialect: 'supernode', address: relay.url });
    const run = engine.run({ ...closed(4), measureMs: 30_000 } as const);
    await Promise.all([expect(run).rejects.toMatchObject({ fault: 'broken' }), relay.close()]);
  });
});

describe('the load on a server of labels', () => {
  it('has each peer answer itself where the server echoes', async () => {
    const { address } = await startLabelServer({ echoes: true });
    const engine = await startEngine({ dialect: 'labels', address });
    expect((await engine.run(closed(8, 'bundled'))).packets).toBeGreaterThan(0);
    const paced = await engine.run(open());
    expect([paced.due, paced.packets]).toEqual([120, 120]);
    expect((await engine.stop()).lost).toBe(0);
  });

  const NTH = 100;
  const nth =
    (change: Tamper): Tamper =>
    (frame, number) =>
      number === NTH ? change(frame, number) : [frame];
  let kept: Buffer[] = [];
  const faults: [string, Tamper, 'lost' | 'corrupted'][] = [
    ['drops a packet', nth(() => []), 'lost'],
    ['repeats a packet', nth((frame) => [frame, frame]), 'corrupted'],
    [
      'changes a packet',
      nth((frame) => {
        frame[frame.length - 1]! ^= 1;
        return [frame];
      }),
      'corrupted',
    ],
    [
      'overtakes a packet',
      (frame, number) => {
        if (number === NTH) kept = [frame];
        else return [frame, ...kept.splice(0)];
        return [];
      },
      'corrupted',
    ],
  ];

  it.each(faults)('fails a closed loop when the server %s', async (_, tamper, fault) => {
    const { address } = await startLabelServer({ tamper });
    const engine = await startEngine({ dialect: 'labels', address, peers: 2 });
    await expect(engine.run({ ...closed(4), measureMs: 3_000 } as const)).rejects.toMatchObject({ fault });
  });

  it.each(faults)(
    'counts a loss in an open loop and fails otherwise, when the server %s',
    async (_, tamper, fault) => {
      const { address } = await startLabelServer({ tamper });
      const flows = [{ ...AUDIO, ratePerSec: 400 }];
      const engine = await startEngine({ dialect: 'labels', address, peers: 2, flows });
      if (fault === 'corrupted') {
        await expect(engine.run(open())).rejects.toMatchObject({ fault });
        return;
      }
      const { due, packets, lost } = await engine.run(open());
      expect([lost, packets]).toEqual([1, due! - 1]);
      expect((await engine.stop()).lost).toBe(1);
    },
  );

  it('counts what is lost at the end of an open loop', async () => {
    const { address, frames } = await startLabelServer({
      tamper: (frame, number) => (number < 100 ? [frame] : []),
    });
    const engine = await startEngine({ dialect: 'labels', address, peers: 2 }, 50);
    const { packets, due } = await engine.run(open(600));
    expect(packets).toBeLessThan(due!);
    expect(await engine.stop()).toEqual({ packets: 100, lost: frames() - 100 });
  });

  it('sees a stall of the server in the latency of an open loop', async () => {
    const server = await startLabelServer({});
    const engine = await startEngine({ dialect: 'labels', address: server.address });
    const measured = await engine.run(open(500), () => server.stallMs(100));
    const latency = histogramOf(measured);
    expect(measured.packets).toBe(measured.due);
    expect(latency.maxValue / 1000).toBeGreaterThanOrEqual(90);
    // A fifth of the packets was due during the stall, and half of those at least 50 ms before its end.
    expect(latency.getValueAtPercentile(90) / 1000).toBeGreaterThanOrEqual(30);
  });
});
