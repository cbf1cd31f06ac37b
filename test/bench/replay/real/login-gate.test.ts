import { expect, test } from 'vitest';
import { LoginGate } from '../../../../bench/replay/real/login-gate.ts';

test('a gate serves all who ask, in their order, no faster than its rate', async () => {
  const gate = new LoginGate(200);
  const served: number[] = [];
  const startedAtMs = performance.now();
  const all = Array.from({ length: 40 }, (_, i) => gate.authorize().then(() => served.push(i)));
  expect(gate.queued).toBeGreaterThan(30);
  await Promise.all(all);
  expect(served).toEqual(Array.from({ length: 40 }, (_, i) => i));
  // 40 at 200 a second, less the few that a rested gate takes at once.
  expect(performance.now() - startedAtMs).toBeGreaterThan(150);
  expect(gate.queued).toBe(0);
  expect(gate.waitMs(performance.now())).toBe(0);
});
