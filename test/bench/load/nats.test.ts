import { describe, expect, it } from 'vitest';
import { nats } from '../../../bench/systems/nats.ts';
import { AUDIO, closed, open, startEngine } from './run-engine.ts';

const missing = await nats.missing();

// In CI a server that is not there is a failure, not a reason to test less.
describe.skipIf(missing !== null && !process.env['CI'])('the load on nats-server', () => {
  it('speaks its protocol in pairs, with several flows, and in fan-in', async () => {
    if (missing) throw new Error(`${missing.why} Install it with: ${missing.install}`);
    await using server = await nats.start({ core: null, shards: 1 });
    const plan = { dialect: 'nats', address: server.address } as const;
    const video = { ...AUDIO, name: 'video', burst: 4, sizes: { oneOf: [350, 500] } } as const;
    for (const load of [{ flows: [AUDIO, video] }, { shape: 'fan-in', peers: 10 }] as const) {
      const engine = await startEngine({ ...plan, ...load });
      expect((await engine.run(closed(8))).packets).toBeGreaterThan(0);
      const paced = await engine.run(open());
      expect(paced.due).toBeGreaterThan(0);
      expect(paced.packets).toBe(paced.due);
      expect((await engine.stop()).lost).toBe(0);
    }
  });
});
