import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../../dist/bench/rolling/rolling-restart.js', import.meta.url));

test('a drained relay hands 20 calls over to its successor, and every one is open again', async () => {
  const figures = await new Promise<Record<string, unknown>>((resolve, reject) => {
    execFile(
      process.execPath,
      [PROGRAM, '--calls', '20', '--spread', '1', '--json'],
      (error, stdout, stderr) => {
        // Exit code 1 may be a busy machine's: how long calls were away is for the benchmark.
        if (stdout === '') reject(error ?? new Error(stderr));
        else resolve(JSON.parse(stdout) as Record<string, unknown>);
      },
    );
  });
  expect(figures).toMatchObject({
    calls: 20,
    lost: 20,
    resumed: 20,
    byTicket: 0,
    bySignature: 40,
    drainExitCode: 0,
    relayExitCode: 0,
  });
});
