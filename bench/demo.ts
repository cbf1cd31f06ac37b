/**
 * A relay and 20 peers in 10 calls, in one process, through the public API alone.
 *
 * The latency is what an application sees: from send() at one peer to onmessage at the other, through both clients, two
 * TCP connections and the relay. The relay's shards have threads of their own; the peers share this thread, so the
 * figure includes the time that a packet waits for another peer's turn, and calls are spread over the 20 ms between
 * packets to keep that small. One clock times both ends.
 */
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as after } from 'node:timers/promises';
import Table from 'cli-table3';
import color from 'picocolors';
import { connect, type Peer } from '../core/client/node.ts';
import { createRelay } from '../core/index.ts';
import { type Direction, openCall, PACKET_BYTES, PACKET_GAP_MS } from './call.ts';
import { type FlagValues, runScript, whole } from './flags.ts';
import { clearProgress, showProgress } from './terminal.ts';

const REDRAW_MS = 250;
/** A realtime packet does not live longer than half a second; what has not come after this will not. */
const ARRIVAL_DEADLINE_MS = 2_000;
const POLL_MS = 5;

const flags = {
  seconds: whole('Seconds that the calls last.', 10, 1, 86_400),
  calls: whole('Calls, of two peers each.', 10, 1, 2_000),
  shards: whole('Shards of the relay.', 2, 1, 64),
  json: { kind: 'switch', about: 'Print nothing but the final figures, as JSON.' },
} as const;
type Options = FlagValues<typeof flags>;

interface Figures {
  framesSent: number;
  framesReceived: number;
  lossPercent: number;
  latencyMs: { p50: number; p99: number; max: number };
  peers: number;
  calls: number;
  /** As long as the calls really lasted. */
  seconds: number;
  packetBytes: number;
  framesPerSecond: number;
  node: string;
  shards: number;
}

/** Latency in whole microseconds, the unit of the histogram. */
class Latency {
  readonly #histogram = createHistogram();
  readonly record = (ms: number): void => this.#histogram.record(Math.max(1, Math.round(ms * 1000)));

  figures(): Figures['latencyMs'] {
    if (this.#histogram.count === 0) return { p50: 0, p99: 0, max: 0 };
    const ms = (percentile: number) => this.#histogram.percentile(percentile) / 1000;
    return { p50: ms(50), p99: ms(99), max: this.#histogram.max / 1000 };
  }
}

function total(directions: Direction[], field: 'sent' | 'received' | 'missing'): number {
  return directions.reduce((sum, direction) => sum + direction[field], 0);
}

function milliseconds(value: number): string {
  return `${value.toFixed(2)} ms`;
}

/** Redraws the line of live figures until it is told to stop. */
function showLive(directions: Direction[], latency: Latency, startedAt: number): () => void {
  let before = { at: startedAt, received: 0 };
  const draw = () => {
    const now = { at: performance.now(), received: total(directions, 'received') };
    const perSecond = ((now.received - before.received) / (now.at - before.at)) * 1000;
    before = now;
    const missing = total(directions, 'missing');
    const lost = (missing / Math.max(1, missing + now.received)) * 100;
    const { p50, p99 } = latency.figures();
    showProgress(
      `${((now.at - startedAt) / 1000).toFixed(1).padStart(5)} s  ${perSecond.toFixed(0).padStart(5)} frames/s  ` +
        `${lost.toFixed(2)}% lost  p50 ${milliseconds(p50)}  p99 ${milliseconds(p99)}  Ctrl-C ends`,
    );
  };
  const timer = setInterval(draw, REDRAW_MS);
  return () => {
    clearInterval(timer);
    clearProgress();
  };
}

/** Runs the calls for their time, or until Ctrl-C. @returns the seconds they lasted. */
async function talk(options: Options, directions: Direction[], latency: Latency): Promise<number> {
  const end = new AbortController();
  const endEarly = () => end.abort();
  process.once('SIGINT', endEarly);
  const startedAt = performance.now();
  const failed = new Promise<never>((_, reject) => {
    for (const direction of directions) direction.onfailure = reject;
  });
  const stopLive = showLive(directions, latency, startedAt);
  for (const [i, direction] of directions.entries()) {
    direction.start(startedAt + (i / directions.length) * PACKET_GAP_MS);
  }
  try {
    const time = after(options.seconds * 1000, undefined, { signal: end.signal }).catch(() => {});
    await Promise.race([time, failed]);
    for (const direction of directions) direction.stop();
    const lastedMs = performance.now() - startedAt;
    const deadline = performance.now() + ARRIVAL_DEADLINE_MS;
    while (total(directions, 'received') < total(directions, 'sent') && performance.now() < deadline) {
      await Promise.race([after(POLL_MS), failed]);
    }
    return lastedMs / 1000;
  } finally {
    for (const direction of directions) {
      direction.stop();
      direction.onfailure = () => {};
    }
    stopLive();
    process.off('SIGINT', endEarly);
  }
}

async function measure(options: Options): Promise<Figures> {
  const relay = await createRelay({ host: '127.0.0.1', port: 0, shards: options.shards });
  let peers: Peer[] = [];
  try {
    peers = await Promise.all(Array.from({ length: options.calls * 2 }, () => connect(relay.url)));
    const latency = new Latency();
    const calls: Promise<[Direction, Direction]>[] = [];
    for (let i = 0; i < options.calls; i++) {
      calls.push(openCall(peers[i]!, peers[i + options.calls]!, latency.record));
    }
    const directions = (await Promise.all(calls)).flat();
    const seconds = await talk(options, directions, latency);
    const framesSent = total(directions, 'sent');
    const framesReceived = total(directions, 'received');
    return {
      framesSent,
      framesReceived,
      lossPercent: framesSent === 0 ? 0 : ((framesSent - framesReceived) / framesSent) * 100,
      latencyMs: latency.figures(),
      peers: peers.length,
      calls: options.calls,
      seconds: Number(seconds.toFixed(3)),
      packetBytes: PACKET_BYTES,
      framesPerSecond: Number((framesReceived / seconds).toFixed(1)),
      node: process.version,
      shards: options.shards,
    };
  } finally {
    await Promise.all(peers.map((peer) => peer.close()));
    await relay.close();
  }
}

function printTable(figures: Figures): void {
  const { framesSent, framesReceived, lossPercent, latencyMs } = figures;
  const loss = `${lossPercent.toFixed(2)}%`;
  const noRules = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
  const table = new Table({ style: { border: [] }, chars: noRules, colAligns: ['left', 'right'] });
  table.push(
    ['peers in calls', `${figures.peers} in ${figures.calls}`],
    ['time', `${figures.seconds.toFixed(1)} s`],
    ['frames sent', framesSent.toLocaleString('en-US')],
    ['frames received', framesReceived.toLocaleString('en-US')],
    ['frames/s', figures.framesPerSecond.toLocaleString('en-US')],
    ['lost', lossPercent === 0 ? color.green(loss) : color.red(loss)],
    ['latency p50', milliseconds(latencyMs.p50)],
    ['latency p99', color.bold(milliseconds(latencyMs.p99))],
    ['latency max', milliseconds(latencyMs.max)],
    ['frame', `${figures.packetBytes} bytes every ${PACKET_GAP_MS} ms`],
    ['relay', `${figures.shards} shard(s), Node ${figures.node}`],
  );
  process.stdout.write(`${table.toString()}\n`);
}

await runScript({
  name: 'demo',
  about: 'A relay and its peers in calls: frames per second, loss and latency.',
  flags,
  async run(options) {
    const figures = await measure(options);
    if (options.json) process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
    else printTable(figures);
  },
});
