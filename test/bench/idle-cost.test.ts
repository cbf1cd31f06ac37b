import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../dist/bench/idle-cost.js', import.meta.url));

const run = (...flags: string[]) =>
  new Promise<{ stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [PROGRAM, ...flags], (_error, stdout, stderr) => resolve({ stdout, stderr }));
  });

test('says what a relay costs that nobody uses, to people and programs', async () => {
  const [text, json, wrong] = await Promise.all([
    run('--seconds', '1', '--settle', '0'),
    run('--seconds', '1', '--settle', '0', '--json'),
    run('--seconds', '0'),
  ]);
  expect(text.stdout).toMatch(/^\d+\.\d\d% of a core, \d+ wakes per second\n$/);
  const figures = JSON.parse(json.stdout) as { corePercent: number; wakesPerSec: number };
  expect(figures.corePercent).toBeGreaterThan(0);
  // Its two timers alone: of the main thread and of the shard.
  expect(figures.wakesPerSec).toBeGreaterThanOrEqual(2);
  expect(wrong.stderr).toContain('seconds');
});
