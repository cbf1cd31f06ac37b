/** A relay of a real replay, in a process of its own that can be killed. */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { createRelay, identityFromSeed } from '../../../core/index.ts';
import { GATE_ROOM, MOST_WAIT_MS } from '../pace.ts';
import { childOf } from './child.ts';
import { LoginGate } from './login-gate.ts';
import type { FromRelay, RelayOrder } from './messages.ts';

/** An arm that exits on overload looks this often whether it is above its limits: the peers that it was built for, a login's wait. */
const WATCH_MS = 50;
/** No limit at all, for the arms without admission. */
const UNLIMITED = 1_000_000;
const MOST_PEERS = 100_000;

const order = JSON.parse(process.argv[2]!) as RelayOrder;
const run = childOf<never, FromRelay>(
  () => {},
  () => rmSync(dirname(order.directory), { recursive: true, force: true, maxRetries: 5 }),
);

try {
  const gate = new LoginGate(order.loginsPerSec * GATE_ROOM);
  const sheds = order.overload === 'shed';
  const relay = await createRelay({
    host: '127.0.0.1',
    port: order.port,
    shards: 1,
    maxPeers: sheds ? order.peers : MOST_PEERS,
    identity: identityFromSeed(Buffer.from(order.seed, 'hex')),
    authorize: gate.authorize,
    authorizeTimeoutMs: 60_000,
    admission: { maxLoginsPerSec: sheds ? order.loginsPerSec : UNLIMITED },
    directory: { path: order.directory, maxBytes: 64 * 1024 * 1024 },
  });
  run.tell({ kind: 'listening', address: relay.url });
  setInterval(() => {
    const { sessions, frames, rssBytes, admission, loginTimes } = relay.stats();
    const queued = Math.max(admission.pending, gate.queued);
    run.tell({
      kind: 'sample',
      sessions,
      queued,
      rssBytes,
      frames: frames.in,
      loginTimes: loginTimes.logins,
    });
  }, order.tickMs);
  if (!sheds)
    watch(() => gate.waitMs(performance.now()) > MOST_WAIT_MS || relay.stats().sessions > order.peers);
} catch (error) {
  run.tell({ kind: 'failed', message: (error as Error).message }, () => process.kill(process.pid, 'SIGKILL'));
}

/** What the supernodes of 2010 did: one that has too much to do switches itself off. */
function watch(isOver: () => boolean): void {
  let sinceMs: number | null = null;
  const timer = setInterval(() => {
    const now = performance.now();
    sinceMs = isOver() ? (sinceMs ?? now) : null;
    if (sinceMs === null || now - sinceMs < order.exitAfterMs) return;
    clearInterval(timer);
    run.tell({ kind: 'overloaded' }, () => process.kill(process.pid, 'SIGKILL'));
  }, WATCH_MS);
}
