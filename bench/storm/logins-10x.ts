/**
 * A storm of logins at ten times the rate that a relay is configured to take, beside calls in progress. Prints what must
 * hold, each with its figure, and ends with exit code 1 when one does not.
 *
 *   quiet | hasty peers at 10x ........................................ | quiet
 *              | those who obey come, all at once ..... all are in
 *     calls: measured in windows of 5 s throughout
 */
import { spawnSync } from 'node:child_process';
import { setTimeout as after } from 'node:timers/promises';
import color from 'picocolors';
import { runScript, whole } from '../flags.ts';
import { Child } from '../load/child.ts';
import { CallsProcess } from '../load/scenarios/calls-beside.ts';
import { median } from '../reporter/index.ts';
import { giveWay } from '../run/give-way.ts';
import { merge, msAt } from '../run/histograms.ts';
import { coresToPin, place } from '../run/placement.ts';
import { Crowd } from './crowd.ts';
import type { FromRelay, ToRelay } from './relay-child.ts';

const OVER_CAPACITY = 10;
const WINDOW_MS = 5_000;
const QUIET_WINDOWS = 3;
/** The storm is under way when those who obey come. */
const BEFORE_MS = 3_000;
const MOST_TIMES_IDEAL = 1.3;
const MOST_OVER_QUIET = 2;
const MOST_ATTEMPTS_IN_TURN = 1.2;
const MiB = 1024 * 1024;
/**
 * What a storm may add to a relay: its sockets at once and as many that are closing, 4 KiB each; 16,384 logins that wait,
 * 1 KiB; 65,536 turns, 128 bytes; and 64 MiB for heaps that grow to the rate at which garbage is made.
 */
const boundBytes = (sockets: number): number => 2 * sockets * 4_096 + 16 * MiB + 8 * MiB + 64 * MiB;

const flags = {
  attempts: whole('Login attempts in all.', 200_000, 1_000, 10_000_000),
  'per-sec': whole('Logins per second that the relay is configured to take.', 100, 10, 100_000),
  sockets: whole('Sockets at once.', 5_000, 100, 15_000),
  hasty: whole('Peers that do not wait, out of these.', 2_500, 1, 10_000),
  calls: whole('Calls in progress beside it.', 50, 1, 1_000),
  shards: whole('Shards of the relay.', 1, 1, 64),
  json: { kind: 'switch', about: 'Print nothing but the figures, as JSON.' },
} as const;

interface Criterion {
  what: string;
  figure: string;
  passed: boolean;
}

/** The load, and the calls that it starts, on a core of their own: what delays a packet is to be the relay's doing. */
function pinThisProcess(core: number | null): void {
  if (core !== null) spawnSync('taskset', ['-a', '-c', '-p', String(core), String(process.pid)]);
}

await runScript({
  name: 'logins-10x',
  about: `Login attempts at ${OVER_CAPACITY} times the configured login capacity, beside calls in progress.`,
  flags,
  async run(options) {
    const { attempts, sockets, hasty, calls: callCount, shards } = options;
    const perSec = options['per-sec'];
    const obeying = Math.max(1, sockets - hasty);
    const say = (line: string): boolean => options.json || process.stderr.write(`${line}\n`);
    const { relayCore, loadCores } = place(
      { relay: 'auto', load: 'auto', loadProcesses: 1, shards },
      coresToPin(),
    );
    pinThisProcess(loadCores[0] ?? null);
    const relay = new Child<ToRelay, FromRelay>('../storm/relay-child', {
      name: 'relay',
      core: relayCore,
      args: [String(shards), String(perSec)],
    });
    const { address } = await relay.next('listening');
    const numbers = async (): Promise<Extract<FromRelay, { kind: 'numbers' }>> => {
      relay.tell({ kind: 'numbers' });
      return relay.next('numbers');
    };
    const calls = new CallsProcess({ address, calls: callCount, seed: 1 });
    const windowP99 = async (): Promise<number> =>
      msAt(merge([(await calls.measure(WINDOW_MS)).audio.histogram]), 0.99);
    const windows = async (count: number): Promise<number[]> => {
      const list: number[] = [];
      while (list.length < count) list.push(await windowP99());
      return list;
    };
    let crowd: Crowd | null = null;
    try {
      await calls.connect();
      // The calls' process is there already and keeps its priority: what delays a packet is the relay, not the load.
      giveWay();
      crowd = new Crowd({
        address,
        obeying,
        hasty,
        sockets,
        attempts,
        attemptsPerSec: OVER_CAPACITY * perSec,
      });
      say(`quiet: ${callCount} calls`);
      await windowP99();
      const quiet = await windows(QUIET_WINDOWS);
      const before = await numbers();
      say(
        `storm: ${attempts} attempts at ${OVER_CAPACITY * perSec}/s, of ${hasty} peers that do not wait and ${obeying} that obey`,
      );
      const startedAtMs = performance.now();
      crowd.begin();
      setTimeout(() => crowd?.release(), BEFORE_MS);
      const idealMs = ((obeying + hasty) / perSec) * 1_000;
      const lastMs = Math.max(3 * idealMs, (3 * attempts * 1_000) / (OVER_CAPACITY * perSec)) + 30_000;
      const beside: number[] = [];
      let rssBytes = 0;
      let pending = 0;
      let turns = 0;
      while (!crowd.done && performance.now() - startedAtMs < lastMs) {
        beside.push(await windowP99());
        const now = await numbers();
        rssBytes = Math.max(rssBytes, now.rssBytes);
        pending = Math.max(pending, now.stats.admission.pending);
        turns = Math.max(turns, now.stats.admission.turns);
        const { attempts: made, in: inside } = crowd.figures();
        say(
          `  ${made} attempts, ${inside} of ${obeying} are in, p99 of calls ${beside.at(-1)!.toFixed(1)} ms`,
        );
      }
      const figures = crowd.figures();
      const { stats, warnings } = await numbers();
      crowd.stop();
      await after(1_000);
      const afterwards = await windows(QUIET_WINDOWS);
      const lost = (await calls.stop()).lost;
      const quietMs = median([...quiet, ...afterwards]);
      const besideMs = median(beside);
      const bound = boundBytes(sockets);
      const grownBytes = rssBytes - before.rssBytes;
      const timesIdeal = figures.allInMs / idealMs;
      const offered = figures.attempts / (figures.begunForMs / 1_000) / perSec;
      const criteria: Criterion[] = [
        {
          what: `${attempts} attempts made, ${OVER_CAPACITY}x what is taken (8x at least was offered)`,
          figure: `${figures.attempts} attempts, ${offered.toFixed(1)}x, up to ${figures.mostSockets} sockets at once`,
          passed: figures.attempts >= attempts && offered >= 0.8 * OVER_CAPACITY,
        },
        {
          what: 'no crash, no contained fault',
          figure: `state ${stats.state}, ${stats.faults} faults`,
          passed: stats.state === 'open' && stats.faults === 0,
        },
        {
          what: `everyone who obeys is in within ${MOST_TIMES_IDEAL}x the ideal time, (obeying + hasty) / rate`,
          figure: `${figures.in} of ${obeying} in ${(figures.allInMs / 1_000).toFixed(1)} s, ideal ${(idealMs / 1_000).toFixed(1)} s: ${timesIdeal.toFixed(2)}x`,
          passed: figures.in === obeying && timesIdeal <= MOST_TIMES_IDEAL,
        },
        {
          what: `who has a turn logs in with at most ${MOST_ATTEMPTS_IN_TURN} attempts`,
          figure: `${figures.attemptsInTurn.toFixed(3)} in turn, ${figures.attemptsEach.toFixed(3)} in all`,
          passed: figures.attemptsInTurn <= MOST_ATTEMPTS_IN_TURN,
        },
        {
          what: `calls undisturbed: p99 at most ${MOST_OVER_QUIET}x that of quiet, no packet lost`,
          figure: `${besideMs.toFixed(2)} ms beside, ${quietMs.toFixed(2)} ms quiet: ${(besideMs / quietMs).toFixed(2)}x; ${lost} lost`,
          passed: besideMs <= MOST_OVER_QUIET * quietMs && lost === 0,
        },
        {
          what: `memory within its bound: at most ${(bound / MiB).toFixed(0)} MiB more than quiet`,
          figure: `${(grownBytes / MiB).toFixed(0)} MiB more, ${(rssBytes / MiB).toFixed(0)} MiB in all; up to ${pending} logins waited, ${turns} had turns`,
          passed: grownBytes <= bound,
        },
      ];
      const passed = criteria.every((criterion) => criterion.passed);
      if (!passed) process.exitCode = 1;
      if (options.json) {
        const { admission, logins, upgradesRefused } = stats;
        process.stdout.write(
          `${JSON.stringify({ passed, criteria, figures, quiet, beside, after: afterwards, admission, logins, upgradesRefused, warnings }, null, 2)}\n`,
        );
        return;
      }
      for (const { what, figure, passed: held } of criteria)
        process.stdout.write(`${held ? color.green('pass') : color.red('FAIL')}  ${what}\n      ${figure}\n`);
      process.stdout.write(
        `refused: ${JSON.stringify(figures.refused)}; let in of those who do not wait: ${figures.hastyLogins}; warnings: ${[...new Set(warnings)].join(', ') || 'none'}\n`,
      );
    } finally {
      crowd?.stop();
      calls.abandon();
      await relay.stop();
    }
  },
});
