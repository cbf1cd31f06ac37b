/**
 * The most frames a second that a relay forwards on one core: the relay pinned to a core (all its threads), the load
 * pinned to another, and as many frames under way as the window allows. Every byte that comes back is checked.
 */
import { cpus } from 'node:os';
import { OptionError } from '../core/protocol/errors.ts';
import { dataFrameBytes } from '../core/protocol/frame.ts';
import {
  MAX_CHANNELS_PER_SESSION,
  MAX_PAYLOAD_BYTES,
  MAX_REALTIME_QUEUE_BYTES,
} from '../core/protocol/limits.ts';
import { environment } from './environment.ts';
import { type FlagValues, runScript, whole } from './flags.ts';
import { Child, twoCores } from './load/child.ts';
import { MIN_PAYLOAD_BYTES } from './load/frame-stream.ts';
import {
  type FromGenerator,
  type FromRelay,
  type LoadPlan,
  PAIRINGS,
  type ToGenerator,
  type ToRelay,
} from './load/messages.ts';
import { type Summary, summarize } from './summary.ts';
import { clearProgress, showProgress } from './terminal.ts';

const WARMUP_MS = 1_000;
/** From here on the load, not the relay, may have set the pace. */
const LOAD_SATURATED = 0.95;
/** Below it the relay was waiting for something else than its core. */
const RELAY_IDLE = 0.9;
/** Above it what other programs did on the two cores is more than the kernel's own work. */
const DISTURBED = 0.1;

const flags = {
  peers: whole('Peers logged in, an even number; each is in one call.', 100, 2, 8_000),
  window: whole('Frames that each peer begins with and so keeps under way, on average.', 64, 1, 16_384),
  bytes: whole('Payload bytes of a frame.', 160, MIN_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES),
  channels: whole('Channels of a call; its frames take turns on them.', 1, 1, MAX_CHANNELS_PER_SESSION),
  seconds: whole('Seconds measured in each round, after one second of warm-up.', 5, 1, 3_600),
  rounds: whole('Rounds, each with a fresh relay and fresh load.', 3, 1, 1_000),
  shards: whole('Shards of the relay.', 1, 1, 64),
  pairs: {
    kind: 'choice',
    about: 'Who talks to whom: at random, within a shard, across shards.',
    default: 'random',
    choices: PAIRINGS,
  },
  'compare-shards': { kind: 'switch', about: 'Alternate rounds of 1 and 2 shards and print their ratio.' },
  json: { kind: 'switch', about: 'Print the result as JSON.' },
} as const;
type Options = FlagValues<typeof flags>;
type Cores = [relay: number, load: number] | null;
type Relay = Child<ToRelay, FromRelay>;

interface Round {
  framesPerSec: number;
  relayCpuUsPerFrame: number;
  /** CPU time over wall time, 1 = one core. */
  relayCpuShare: number;
  loadCpuShare: number;
  crossPairShare: number;
  relayRssBytes: number;
  /** The more disturbed core's time that went to other programs, 0 when nothing is pinned. */
  othersCpuShare: number;
}

interface ShardResult {
  shards: number;
  framesPerSec: Summary;
  relayCpuUsPerFrame: Summary;
  relayCpuShare: Summary;
  loadCpuShare: Summary;
  crossPairShare: number;
  relayRssBytes: Summary;
  othersCpuShare: Summary;
  rounds: Round[];
}

function idleTimes(): number[] {
  return cpus().map((cpu) => cpu.times.idle);
}

function planFor(options: Options, url: string, shards: number): LoadPlan {
  const { peers, window, bytes, channels, pairs, seconds } = options;
  const measureMs = seconds * 1000;
  const load = { peers, window, payloadBytes: bytes, channels, pairing: pairs };
  return { url, shards, ...load, warmupMs: WARMUP_MS, measureMs };
}

function sample(relay: Relay) {
  relay.tell({ kind: 'sample' });
  return relay.next('sample');
}

/** A fault that the load saw, with what the relay knows about it. */
async function explained(error: Error, relay: Relay): Promise<Error> {
  const drops = await sample(relay).then(
    (known) => Object.entries(known.drops).filter(([, count]) => count > 0),
    () => [],
  );
  const list = drops.map(([reason, count]) => `${reason} ${count}`).join(', ');
  return list === '' ? error : new Error(`${error.message} Frames dropped by the relay: ${list}.`);
}

async function runRound(options: Options, shards: number, cores: Cores): Promise<Round> {
  const relay: Relay = new Child('relay-process', {
    name: 'relay',
    core: cores?.[0] ?? null,
    args: [String(shards)],
  });
  const load = new Child<ToGenerator, FromGenerator>('generator', { name: 'load', core: cores?.[1] ?? null });
  try {
    const { url } = await relay.next('listening');
    const plan = planFor(options, url, shards);
    load.tell({ kind: 'start', plan });
    await load.next('measuring');
    const idleBefore = idleTimes();
    const before = await sample(relay);
    const measured = await load.next('measured', plan.measureMs);
    const idleAfter = idleTimes();
    const after = await sample(relay);
    load.tell({ kind: 'stop' });
    await load.next('verified');
    const framesPerSec = (measured.frames / measured.elapsedMs) * 1000;
    // The relay's share is taken over its own clock: its answer may come late, as its core is busy.
    const relayCpuShare = (after.cpuMs - before.cpuMs) / (after.atMs - before.atMs);
    const loadCpuShare = measured.cpuMs / measured.elapsedMs;
    const others = (core: number, ours: number) =>
      1 - (idleAfter[core]! - idleBefore[core]!) / measured.elapsedMs - ours;
    return {
      framesPerSec,
      relayCpuUsPerFrame: (relayCpuShare * 1e6) / framesPerSec,
      relayCpuShare,
      loadCpuShare,
      crossPairShare: measured.crossShare,
      relayRssBytes: after.rssBytes,
      othersCpuShare: cores
        ? Math.max(0, others(cores[0], relayCpuShare), others(cores[1], loadCpuShare))
        : 0,
    };
  } catch (error) {
    throw await explained(error as Error, relay);
  } finally {
    await Promise.all([load.stop(), relay.stop()]);
  }
}

function resultOf(shards: number, rounds: Round[]): ShardResult {
  const over = (field: keyof Round) => summarize(rounds.map((round) => round[field]));
  return {
    shards,
    framesPerSec: over('framesPerSec'),
    relayCpuUsPerFrame: over('relayCpuUsPerFrame'),
    relayCpuShare: over('relayCpuShare'),
    loadCpuShare: over('loadCpuShare'),
    crossPairShare: rounds[0]!.crossPairShare,
    relayRssBytes: over('relayRssBytes'),
    othersCpuShare: over('othersCpuShare'),
    rounds,
  };
}

function warningsFor(results: ShardResult[], cores: Cores): string[] {
  const warnings: string[] = [];
  if (!cores) {
    warnings.push(
      'Relay and load are not pinned to a core each (taskset and two cores are needed): noisy figures.',
    );
  }
  for (const { shards, loadCpuShare, relayCpuShare, othersCpuShare } of results) {
    const on = `${shards} shard${shards === 1 ? '' : 's'}`;
    if (othersCpuShare.median > DISTURBED) {
      warnings.push(
        `${on}: other programs took ${percent(othersCpuShare.median)} of a core that was measured; repeat on a quiet machine.`,
      );
      continue;
    }
    if (loadCpuShare.median > LOAD_SATURATED) {
      warnings.push(
        `${on}: the load used ${percent(loadCpuShare.median)} of its core, so the relay may be faster than this.`,
      );
    } else if (cores && relayCpuShare.median < RELAY_IDLE) {
      warnings.push(
        `${on}: the relay used only ${percent(relayCpuShare.median)} of its core: its CPU time per frame tells more.`,
      );
    }
  }
  return warnings;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)}%`;
}

function frames(perSec: number): string {
  return Math.round(perSec).toLocaleString('en-US');
}

function print(options: Options, results: ShardResult[], warnings: string[]): void {
  const { peers, window, bytes, channels, rounds, seconds } = options;
  const over = channels === 1 ? '' : ` over ${channels} channels`;
  const lines = [
    `${peers} peers x ${window} frames of ${bytes} bytes under way${over}, ${rounds} x ${seconds} s, ${process.version}`,
  ];
  for (const { shards, framesPerSec, ...it } of results) {
    const spread = `${frames(framesPerSec.min)} - ${frames(framesPerSec.max)}`;
    lines.push(
      `${shards} shard${shards === 1 ? ' ' : 's'}  ${frames(framesPerSec.median)} frames/s (${spread})  ` +
        `relay ${it.relayCpuUsPerFrame.median.toFixed(3)} us/frame, ${percent(it.relayCpuShare.median)} of its core  ` +
        `load ${percent(it.loadCpuShare.median)} of its core  ${percent(it.crossPairShare)} of pairs across shards`,
    );
  }
  const ratio = ratioOf(results);
  if (ratio) {
    lines.push(
      `2 shards / 1 shard: ${ratio.framesPerSec.toFixed(3)}, by relay CPU time per frame ${ratio.perCpu.toFixed(3)}`,
    );
  }
  for (const warning of warnings) lines.push(`Warning: ${warning}`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** How fast two shards are, 1 = as one. `perCpu` compares CPU time per frame, so it also holds on a busy machine. */
function ratioOf(results: ShardResult[]): { framesPerSec: number; perCpu: number } | undefined {
  const [one, two] = results;
  if (!one || !two) return undefined;
  return {
    framesPerSec: two.framesPerSec.median / one.framesPerSec.median,
    perCpu: one.relayCpuUsPerFrame.median / two.relayCpuUsPerFrame.median,
  };
}

function check(options: Options): void {
  if (options.peers % 2 !== 0) throw new OptionError(`--peers must be an even number, not ${options.peers}.`);
  // Twice: a receiver may get its partner's answers to its own window before the partner's window has arrived.
  const mostBytes = 2 * options.window * dataFrameBytes(options.bytes);
  if (mostBytes > MAX_REALTIME_QUEUE_BYTES) {
    throw new OptionError(
      `--window ${options.window} can put ${mostBytes} bytes under way to one receiver; ` +
        `a relay keeps at most ${MAX_REALTIME_QUEUE_BYTES} for it.`,
    );
  }
}

await runScript({
  name: 'saturate',
  about: 'How many frames a second a relay forwards on one core.',
  flags,
  async run(options) {
    check(options);
    const cores = twoCores();
    const kinds = options['compare-shards'] ? [1, 2] : [options.shards];
    const rounds = new Map<number, Round[]>(kinds.map((shards) => [shards, []]));
    for (let round = 1; round <= options.rounds; round++) {
      for (const shards of kinds) {
        showProgress(`round ${round} of ${options.rounds}, ${shards} shard(s)`);
        rounds.get(shards)!.push(await runRound(options, shards, cores));
      }
    }
    clearProgress();
    const results = kinds.map((shards) => resultOf(shards, rounds.get(shards)!));
    const warnings = warningsFor(results, cores);
    if (!options.json) {
      print(options, results, warnings);
      return;
    }
    const { peers, window, bytes, channels, seconds, pairs } = options;
    const ratio = ratioOf(results);
    const settings = {
      peers,
      window,
      payloadBytes: bytes,
      channels,
      seconds,
      rounds: options.rounds,
      pairs,
      cores,
    };
    const json = { benchmark: 'saturate', environment: environment(), settings, results, ratio, warnings };
    process.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  },
});
