/**
 * A rolling restart under calls: the peers of 2,500 calls are on relay A, `supernode drain` sends them away, to relay B or
 * (--in-place) back to the same address, where the next process starts when the first has ended. What must hold: every
 * call is open again and carries a packet each way, and none was away for longer than the spread and a second; in place,
 * where it must wait for the next process, for longer than that and the time from the last leave until that one listens.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RESTART_MS } from '../../core/overload/drain-plan.ts';
import { runScript, whole } from '../flags.ts';
import { MovingCalls } from './calls.ts';
import { drainRelay, startRelay } from './relay-command.ts';

const LOGINS_AT_ONCE = 100;
/** Beyond the criterion calls are waited for, to tell a late one from one that never comes. */
const PATIENCE_MS = 30_000;

const flags = {
  calls: whole('Calls, of two peers each.', 2_500, 1, 9_000),
  spread: whole('Seconds over which the peers are sent away.', 8, 0, 600),
  shards: whole('Shards of each relay.', 2, 1, 64),
  'in-place': {
    kind: 'switch',
    about: 'Restart on the same port and with the same key, instead of moving to another relay.',
  },
  json: { kind: 'switch', about: 'Print the figures as JSON.' },
} as const;

interface Figures {
  calls: number;
  lost: number;
  resumed: number;
  waitMs: { p50: number; p99: number; longest: number };
  mostWaitMs: number;
  /** In place: from when the last peer has left until the next process listens. */
  restartMs: number | null;
  byTicket: number;
  bySignature: number;
  failedTries: number;
  drainExitCode: number | null;
  relayExitCode: number | null;
  passed: boolean;
}

/**
 * Below the ports that systems give to outgoing connections: a client that asks for a relay at one of those while nobody
 * listens there is connected to itself once in some ten thousand tries, and keeps the port from the next process.
 */
function fixedPort(): string {
  return String(20_000 + Math.floor(Math.random() * 10_000));
}

async function measure(options: {
  calls: number;
  spread: number;
  shards: number;
  inPlace: boolean;
}): Promise<Figures> {
  const { calls: count, spread, shards, inPlace } = options;
  const token = randomBytes(24).toString('base64url');
  const data = mkdtempSync(join(tmpdir(), 'supernode-rolling-'));
  const common = ['--shards', String(shards)];
  const port = inPlace ? fixedPort() : '0';
  const relay = await startRelay(['--port', port, '--data', join(data, 'a'), ...common], token);
  const others = inPlace
    ? []
    : [await startRelay(['--port', '0', '--data', join(data, 'b'), ...common], token)];
  const calls = new MovingCalls(relay.url, count, inPlace, Math.random);
  try {
    await calls.connect(LOGINS_AT_ONCE);
    const resumed = calls.allResumed(2 * spread * 1_000 + PATIENCE_MS);
    let listensAtMs = 0;
    const successor = others[0] === undefined ? [] : ['--successor', others[0].url];
    const [drainExitCode, relayExitCode] = await Promise.all([
      drainRelay(relay, ['--spread', String(spread), ...successor, '--json']),
      relay.ended.then(async (code) => {
        if (inPlace)
          others.push(await startRelay(['--port', port, '--data', join(data, 'a'), ...common], token));
        listensAtMs = performance.now();
        return code;
      }),
    ]);
    await resumed;
    const { waitsMs, faults, firstLostAtMs, ...rest } = calls.figures();
    const restartMs = inPlace ? Math.round(listensAtMs - firstLostAtMs - spread * 1_000) : null;
    const mostWaitMs = spread * 1_000 + 1_000 + Math.max(restartMs ?? 0, inPlace ? RESTART_MS : 0);
    for (const fault of new Set(faults)) process.stderr.write(`rolling-restart: ${fault}\n`);
    const longest = waitsMs.at(-1) ?? 0;
    const at = (share: number): number => Math.round(waitsMs[Math.floor(share * (waitsMs.length - 1))] ?? 0);
    const passed =
      rest.lost === count &&
      rest.resumed === count &&
      longest <= mostWaitMs &&
      drainExitCode === 0 &&
      relayExitCode === 0;
    return {
      ...rest,
      waitMs: { p50: at(0.5), p99: at(0.99), longest: Math.round(longest) },
      mostWaitMs,
      restartMs,
      drainExitCode,
      relayExitCode,
      passed,
    };
  } finally {
    calls.leave();
    for (const started of [relay, ...others]) started.kill();
    await Promise.all([relay, ...others].map(({ ended }) => ended));
    rmSync(data, { recursive: true, force: true });
  }
}

await runScript({
  name: 'rolling-restart',
  about: 'Drains a relay whose peers are all in calls, and sees whether every call resumes in time.',
  flags,
  async run({ calls, spread, shards, json, 'in-place': inPlace }) {
    const figures = await measure({ calls, spread, shards, inPlace });
    const { resumed, lost, waitMs, mostWaitMs, byTicket, bySignature, failedTries, passed } = figures;
    const restart = figures.restartMs === null ? '' : `, and the restart (${figures.restartMs} ms)`;
    if (json) process.stdout.write(`${JSON.stringify(figures)}\n`);
    else {
      const lines = [
        `calls          ${figures.calls}, of two peers each`,
        `sent away      ${lost}`,
        `resumed        ${resumed}`,
        `away, p50      ${waitMs.p50} ms`,
        `away, p99      ${waitMs.p99} ms`,
        `away, longest  ${waitMs.longest} ms; must be at most ${mostWaitMs} ms: ${spread} s of spread, 1 s${restart}`,
        `came back      ${byTicket} by ticket, ${bySignature} by signature, after ${failedTries} tries that failed`,
        `exit codes     drain ${figures.drainExitCode}, relay ${figures.relayExitCode}`,
        passed ? 'PASSED' : 'FAILED',
      ];
      process.stdout.write(`${lines.join('\n')}\n`);
    }
    process.exitCode = passed ? 0 : 1;
  },
});
