/**
 * `npm run fairness`: 20 peers through a relay whose bandwidth is a tenth of what they want; one sends fifty times as much as
 * the others. Beside them five calls. Prints what each got, and Jain's index of those who want more than there is; exit code 1
 * when a criterion fails.
 */
import { type Channel, connect, createRelay, type Peer } from '../../core/index.ts';

const PEERS = 20;
const CALLS = 5;
const BANDWIDTH = 1_000_000;
const EACH_BYTES_PER_SEC = 150_000;
const GREEDY_TIMES = 50;
const PACKET_BYTES = 1_000;
const WARM_UP_MS = 3_000;
const MEASURED_MS = 10_000;

interface Flow {
  channel: Channel;
  perSec: number;
  payload: Uint8Array;
  sent: number;
  got: number;
}

function jain(rates: number[]): number {
  const sum = rates.reduce((total, rate) => total + rate, 0);
  return sum ** 2 / (rates.length * rates.reduce((total, rate) => total + rate ** 2, 0));
}

async function run(): Promise<boolean> {
  const relay = await createRelay({ port: 0, shards: 2, relayBandwidth: BANDWIDTH });
  const peers: Peer[] = [];
  const flow = async (priority: 'bulk' | 'audio', perSec: number, bytes: number): Promise<Flow> => {
    const [from, to] = [await connect(relay.url), await connect(relay.url)];
    peers.push(from, to);
    const made = { perSec, payload: new Uint8Array(bytes), sent: 0, got: 0 };
    to.onchannel = ({ channel }) => {
      channel.onmessage = () => {
        flows[index]!.got++;
      };
    };
    const index = flows.length;
    flows.push({ ...made, channel: await from.open(to.id, { priority }) });
    return flows[index]!;
  };
  const flows: Flow[] = [];
  const perSec = EACH_BYTES_PER_SEC / PACKET_BYTES;
  const rivals: Flow[] = [];
  for (let i = 0; i < PEERS; i++)
    rivals.push(await flow('bulk', i === 0 ? perSec * GREEDY_TIMES : perSec, PACKET_BYTES));
  const calls: Flow[] = [];
  for (let i = 0; i < CALLS; i++) calls.push(await flow('audio', 50, 160));

  const stream = async (ms: number): Promise<void> => {
    for (const each of flows) Object.assign(each, { sent: 0, got: 0 });
    const began = performance.now();
    for (let now = began; now - began < ms; now = performance.now()) {
      for (const each of flows) {
        for (; each.sent < ((now - began) * each.perSec) / 1_000; each.sent++)
          each.channel.send(each.payload);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    // What is still under way.
    await new Promise((resolve) => setTimeout(resolve, 300));
  };
  await stream(WARM_UP_MS);
  const before = relay.stats();
  await stream(MEASURED_MS);
  const after = relay.stats();

  const seconds = MEASURED_MS / 1_000;
  const rates = rivals.map(({ got }) => (got * PACKET_BYTES) / seconds);
  const index = jain(rates);
  const goodput = Math.min(...calls.map(({ sent, got }) => got / sent));
  const through = (after.bytes.in - before.bytes.in) / seconds;
  const forwarded = rates.reduce((sum, rate) => sum + rate, 0);
  const criteria: [string, string, boolean][] = [
    [
      `Jain's index of ${PEERS} peers, one ${GREEDY_TIMES} times as greedy, >= 0.95`,
      index.toFixed(4),
      index >= 0.95,
    ],
    ['audio of the calls beside them that came, >= 99%', `${(goodput * 100).toFixed(2)}%`, goodput >= 0.99],
    [
      `what they got of ${BANDWIDTH / 1_000} kB/s, within 70% to 115%`,
      `${(forwarded / 1_000).toFixed(0)} kB/s`,
      forwarded > 0.7 * BANDWIDTH && forwarded < 1.15 * BANDWIDTH,
    ],
  ];
  console.log(
    `each of ${PEERS}: ${rates.map((rate) => (rate / 1_000).toFixed(0)).join(' ')} kB/s; the first wants ${(perSec * GREEDY_TIMES * PACKET_BYTES) / 1e6} MB/s, the others ${EACH_BYTES_PER_SEC / 1_000} kB/s`,
  );
  console.log(
    `offered to the relay ${(through / 1e6).toFixed(1)} MB/s; shed ${after.drops.budget - before.drops.budget} frames`,
  );
  for (const [what, figure, holds] of criteria)
    console.log(`${holds ? 'holds' : 'FAILS'}  ${what}: ${figure}`);
  for (const peer of peers) await peer.close();
  await relay.close();
  return criteria.every(([, , holds]) => holds);
}

process.exitCode = (await run()) ? 0 : 1;
