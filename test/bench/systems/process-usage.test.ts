import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { ProcessUsage, statCpuMs } from '../../../bench/systems/process-usage.ts';

test('the times of /proc/PID/stat are found behind any name', () => {
  const rest = 'S 1 2 3 4 5 6 7 8 9 10 1234 567 0 0 20 0 7 0';
  expect(statCpuMs(`42 (a) b (c 1 2) ${rest}`)).toBe(18_010);
});

/** Burns 150 ms of CPU time in a child, then about as much in a thread that ends; says how much, by its own count. */
const BURNER = `
const { spawn } = require('node:child_process');
const { Worker } = require('node:worker_threads');
const burn = 'const from = process.cpuUsage(); while (process.cpuUsage(from).user < 150_000);';
const inChild = burn + 'process.send(process.cpuUsage()); setInterval(() => {}, 1000);';
const child = spawn(process.execPath, ['-e', inChild], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
process.on('disconnect', () => {
  child.once('exit', () => process.exit());
  child.kill('SIGKILL');
});
child.once('message', (ofChild) => {
  process.send('before');
  process.once('message', () => {
    const worker = new Worker(burn, { eval: true });
    worker.once('exit', () => {
      const { user, system } = process.cpuUsage();
      process.send(user + system + ofChild.user + ofChild.system);
    });
  });
});
`;

test('usage counts all threads, those that have ended, and children, as the processes count it themselves', async () => {
  const burner = spawn(process.execPath, ['-e', BURNER], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    const usage = new ProcessUsage(burner.pid!);
    await once(burner, 'message', { signal: AbortSignal.timeout(20_000) });
    const before = await usage.read();
    burner.send('go on');
    const [ownUs] = await once(burner, 'message', { signal: AbortSignal.timeout(20_000) });
    const after = await usage.read();
    expect(after.cpuMs).toBeGreaterThan(before.cpuMs);
    // The ended thread is known to 20 ms, a thread that runs at the moment to a scheduler tick of up to 10 ms; the rest
    // is room for what both processes did after they counted. Without the child or the thread 150 ms would be missing.
    expect(Math.abs(after.cpuMs - ownUs / 1000)).toBeLessThan(100);
    expect(after.rssBytes).toBeGreaterThan(4e7);
    expect(await usage.exactRssBytes()).toBeGreaterThan(4e7);
  } finally {
    burner.disconnect();
    await once(burner, 'exit');
  }
  await expect(new ProcessUsage(burner.pid!).read()).rejects.toThrow(/has ended/);
});
