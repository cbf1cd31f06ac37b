import { describe, expect, test } from 'vitest';
import { makeCertificate } from '../fixtures/certificate.ts';
import { runScript } from '../fixtures/run-script.ts';

const { keyFile, certFile } = await makeCertificate();
const TLS = { key: keyFile, cert: certFile };
const SOCKETS = 200;
/** What a directory's threads do when a process ends is another file's. */
const RELAY = { shards: 4, sockets: SOCKETS, directory: false };

describe.each([
  ['plain', null],
  ['TLS', TLS],
])('a process with 4 shards and 200 %s sockets', (_name, tls) => {
  test.each([
    ['exit', 7],
    ['exit in a listener', 7],
    ['exit while closing', 7],
    ['throw', 1],
    ['reject', 1],
  ])('that ends by %s keeps its exit code %i and is not aborted', async (how, code) => {
    const run = runScript('embedder.mjs', [{ ...RELAY, tls, how }]);
    const outcome = await run.outcome;
    expect(outcome.stdout, outcome.stderr).toContain(`open ${SOCKETS}`);
    expect({ code: outcome.code, signal: outcome.signal }, outcome.stderr).toEqual({ code, signal: null });
    if (code === 1) expect(outcome.stderr).toContain('the embedder has a bug');
  });

  test.each(['close', 'drain'])('ends by itself, with 0, after %s', async (how) => {
    const outcome = await runScript('embedder.mjs', [{ ...RELAY, tls, how }]).outcome;
    expect(outcome.stdout, outcome.stderr).toContain(`open ${SOCKETS}\nclosed`);
    expect({ code: outcome.code, signal: outcome.signal }, outcome.stderr).toEqual({ code: 0, signal: null });
  });
});

test('a process with two relays keeps its exit code', async () => {
  const outcome = await runScript('embedder.mjs', [{ shards: 2, sockets: 50, relays: 2, how: 'exit' }])
    .outcome;
  expect({ code: outcome.code, signal: outcome.signal }, outcome.stderr).toEqual({ code: 7, signal: null });
});

test('a process that exits while a relay starts keeps its exit code', async () => {
  const options = { shards: 2, sockets: 20, how: 'exit while starting' };
  const outcome = await runScript('embedder.mjs', [options]).outcome;
  expect({ code: outcome.code, signal: outcome.signal }, outcome.stderr).toEqual({ code: 7, signal: null });
});

test('a relay alone does not keep a signal from ending its process', async () => {
  const run = runScript('embedder.mjs', [{ shards: 2, sockets: 20, how: 'wait' }]);
  await run.line('open');
  run.kill('SIGTERM');
  expect(await run.outcome).toMatchObject({ code: null, signal: 'SIGTERM' });
});

test.each([
  ['plain relays with a directory', { tls: null, directory: true }],
  ['TLS relays', { tls: TLS, directory: false }],
])('ten %s, one after the other, leave no thread, file or handle behind', async (_name, options) => {
  const run = runScript('reopen.mjs', [{ shards: 2, rounds: 10, ...options }]);
  const kept = await run.line('kept ');
  expect(await run.line('left ')).toBe(kept);
  expect((await run.outcome).code).toBe(0);
});
