/**
 * What an idle, logged-in peer costs in resident memory: the growth of the relay process from no peer to N, per peer.
 * Before the baseline, thousands of peers log in and out, so that code, pools and tables have their working size and
 * only the peers are counted. Garbage is collected in every thread of the relay before each reading.
 *
 * This process is the load: each of its peers is a bare socket.
 */
import { setTimeout as after } from 'node:timers/promises';
import { environment } from './environment.ts';
import { type FlagValues, runScript, whole } from './flags.ts';
import { Child } from './load/child.ts';
import type { FromRelay, ToRelay } from './load/messages.ts';
import { RawPeer } from './load/raw-peer.ts';
import { clearProgress, showProgress } from './terminal.ts';

/** Logins under way at a time: enough to keep the relay busy, and far from its limit of logins pending. */
const LOGINS_AT_ONCE = 200;
/** Collections before a reading: V8 gives memory back to the system in steps. */
const COLLECTIONS = 3;
const COLLECTION_PAUSE_MS = 400;

const flags = {
  peers: whole('Peers that log in and stay idle.', 10_000, 1, 100_000),
  'warm-up': whole('Peers that log in and out before the baseline is taken.', 2_000, 0, 100_000),
  shards: whole('Shards of the relay.', 1, 1, 64),
  json: { kind: 'switch', about: 'Print the result as JSON.' },
} as const;
type Options = FlagValues<typeof flags>;
type Relay = Child<ToRelay, FromRelay>;

interface Reading {
  /** As it was before garbage was collected. */
  rawRssBytes: number;
  rssBytes: number;
  threads: number;
  /** Threads that confirmed the last collection. */
  collected: number;
}

async function rssOf(relay: Relay): Promise<number> {
  relay.tell({ kind: 'sample' });
  return (await relay.next('sample')).rssBytes;
}

async function read(relay: Relay): Promise<Reading> {
  const rawRssBytes = await rssOf(relay);
  let answer = { threads: 0, collected: 0 };
  for (let i = 0; i < COLLECTIONS; i++) {
    relay.tell({ kind: 'collect' });
    answer = await relay.next('collected');
    await after(COLLECTION_PAUSE_MS);
  }
  const { threads, collected } = answer;
  return { rawRssBytes, rssBytes: await rssOf(relay), threads, collected };
}

async function logIn(url: string, count: number, what: string): Promise<RawPeer[]> {
  const peers: RawPeer[] = [];
  while (peers.length < count) {
    showProgress(`${what}: ${peers.length} of ${count}`);
    const batch = Array.from({ length: Math.min(LOGINS_AT_ONCE, count - peers.length) }, async () => {
      const peer = await RawPeer.connect(url);
      await peer.login();
      return peer;
    });
    peers.push(...(await Promise.all(batch)));
  }
  return peers;
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function print(options: Options, before: Reading, after: Reading, perPeer: number, rawPerPeer: number): void {
  const threads = `${after.collected} of ${after.threads}`;
  process.stdout.write(
    `${options.peers} idle peers on ${options.shards} shard(s), ${process.version}\n` +
      `${Math.round(perPeer)} bytes of resident memory per peer ` +
      `(${mib(before.rssBytes)} before, ${mib(after.rssBytes)} after; garbage collected in ${threads} threads)\n` +
      `${Math.round(rawPerPeer)} bytes per peer before the last collection (${mib(after.rawRssBytes)})\n`,
  );
}

await runScript({
  name: 'idle',
  about: 'How many bytes of memory an idle, logged-in peer costs a relay.',
  flags,
  async run(options) {
    const relay: Relay = new Child('relay-process', {
      name: 'relay',
      core: null,
      args: [String(options.shards)],
    });
    let peers: RawPeer[] = [];
    try {
      const { url } = await relay.next('listening');
      for (const peer of await logIn(url, options['warm-up'], 'warming up')) peer.destroy();
      showProgress('collecting garbage');
      const baseline = await read(relay);
      peers = await logIn(url, options.peers, 'logging in');
      const lost: Error[] = [];
      for (const peer of peers) peer.onfailure = (error) => lost.push(error);
      showProgress('collecting garbage');
      const loaded = await read(relay);
      clearProgress();
      if (lost.length > 0)
        throw new Error(`${lost.length} idle peers were lost; the first: ${lost[0]!.message}`);
      const perPeer = (loaded.rssBytes - baseline.rssBytes) / options.peers;
      const rawPerPeer = (loaded.rawRssBytes - baseline.rssBytes) / options.peers;
      if (!options.json) {
        print(options, baseline, loaded, perPeer, rawPerPeer);
        return;
      }
      const settings = { peers: options.peers, warmUpPeers: options['warm-up'], shards: options.shards };
      const json = {
        benchmark: 'idle',
        environment: environment(),
        settings,
        bytesPerPeer: perPeer,
        bytesPerPeerBeforeCollection: rawPerPeer,
        baseline,
        loaded,
      };
      process.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
    } finally {
      for (const peer of peers) peer.destroy();
      await relay.stop();
    }
  },
});
