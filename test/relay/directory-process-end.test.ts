/** A process that ends with its directory open: it keeps its exit code, and what was acknowledged. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as op from '../../core/protocol/ops.ts';
import { RawPeer } from '../fixtures/raw-peer.ts';
import { login, startRelay } from '../fixtures/relay.ts';
import { runScript } from '../fixtures/run-script.ts';
import { until } from '../fixtures/until.ts';
import { ask, vaultOf } from './directory-requests.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supernode-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a process that ends while 10 peers write', () => {
  test.each([
    ['exit', 7],
    ['exit while closing', 7],
    ['throw', 1],
  ])('by %s keeps its exit code %i, and every write that was acknowledged', async (how, code) => {
    const path = join(folder, how.replaceAll(' ', '-'));
    const run = runScript('directory-exit.mjs', [{ path, how }]);
    const url = await run.line('up ');
    const peers = await Promise.all(Array.from({ length: 10 }, () => RawPeer.login(url)));
    for (const peer of peers) {
      for (let revision = 1; revision <= 60; revision++) {
        peer.control(op.OP_VAULT_PUT, revision, { vault: vaultOf(peer, revision, 2_000) });
      }
    }
    const acknowledged = (peer: RawPeer): number =>
      Math.max(0, ...peer.controls.map((frame) => (frame.op === op.OP_STORED ? frame.body.revision : 0)));
    await until('some writes are acknowledged', () => peers.some((peer) => acknowledged(peer) > 0));
    run.send('end');
    const outcome = await run.outcome;
    expect({ code: outcome.code, signal: outcome.signal }, outcome.stderr).toEqual({ code, signal: null });
    await Promise.all(peers.map(({ ended }) => ended));

    const relay = await startRelay({ directory: { path } });
    for (const peer of peers) {
      const back = await login(relay, { key: peer.key });
      const vault = await ask(back, op.OP_VAULT_GET, {});
      expect(vault['revision']).toBeGreaterThanOrEqual(acknowledged(peer));
    }
  });
});
