/**
 * What a scrape of /metrics costs a relay, beside what a login costs it: processor time of all its threads, by turns.
 *
 *   node dist/bench/scrape-cost.js [--rounds N] [--count N] [--shards N] [--json]
 *
 *   this process: the relay        a process of its own: logs in, or scrapes, `count` times
 *
 * Idle time between is counted for neither: how much the relay takes when it is left alone is taken off.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect } from '../core/client/node.ts';
import { createRelay } from '../core/relay/relay.ts';
import { type FlagValues, runScript, whole } from './flags.ts';

const WORK = ['login', 'scrape'] as const;
const AT_ONCE = 8;
const IDLE_MS = 1_000;

const flags = {
  rounds: whole('Rounds of each.', 5, 1, 100),
  count: whole('Logins, and scrapes, a round.', 500, 10, 100_000),
  shards: whole('Shards of the relay.', 1, 1, 64),
  json: { kind: 'switch', about: 'Print the figures as JSON.' },
} as const;

type Job = { work: (typeof WORK)[number]; count: number; url: string; metrics: string };

/** In the process that asks. */
async function work({ work: what, count, url, metrics }: Job): Promise<void> {
  let left = count;
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      if (what === 'login') await (await connect(url, { reconnect: false })).close();
      else await (await fetch(metrics)).text();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

async function measure({ rounds, count, shards, json }: FlagValues<typeof flags>): Promise<void> {
  const relay = await createRelay({ port: 0, shards, admin: { openMetrics: true } });
  const metrics = `${relay.admin!.url}/metrics`;
  const child = fork(fileURLToPath(import.meta.url), ['--child']);
  const run = async (what: Job['work'], times: number): Promise<number> => {
    const [began, cpu] = [performance.now(), cpuMs()];
    child.send({ work: what, count: times, url: relay.url, metrics } satisfies Job);
    await once(child, 'message');
    return (cpuMs() - cpu - (performance.now() - began) * idle) / times;
  };
  const idleFrom = cpuMs();
  await after(IDLE_MS);
  const idle = (cpuMs() - idleFrom) / IDLE_MS;
  const each: Record<Job['work'], number[]> = { login: [], scrape: [] };
  // The first are not counted: code is still being compiled.
  for (const what of WORK) await run(what, count);
  for (let round = 0; round < rounds; round++)
    for (const what of WORK) each[what].push(await run(what, count));
  child.disconnect();
  const bytes = (await (await fetch(metrics)).text()).length;
  await relay.close();
  const [login, scrape] = WORK.map((what) => each[what].sort((a, b) => a - b)[rounds >> 1]!) as [
    number,
    number,
  ];
  const figures = { loginMs: login, scrapeMs: scrape, times: scrape / login, bytes, each };
  process.stdout.write(
    json
      ? `${JSON.stringify(figures)}\n`
      : `login ${login.toFixed(2)} ms, scrape ${scrape.toFixed(2)} ms of processor (medians): ${(scrape / login).toFixed(1)} times; ${bytes} bytes\n`,
  );
}

if (process.argv[2] === '--child') {
  process.on('message', (job: Job) => void work(job).then(() => process.send!('done')));
} else {
  await runScript({
    name: 'node dist/bench/scrape-cost.js',
    about: 'Measures what a scrape of /metrics costs a relay, beside what a login costs it.',
    flags,
    run: measure,
  });
}
