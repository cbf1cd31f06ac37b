/** Every figure that a round can give, by the name that it has in a result. */
import type { Metric } from '../reporter/result.ts';

export type MetricAbout = Pick<Metric, 'title' | 'unit' | 'better'>;

export const METRICS = {
  throughput: { title: 'throughput', unit: 'frames/s', better: 'higher' },
  cpuPerFrame: { title: 'CPU time of the relay per frame', unit: 'us/frame', better: 'lower' },
  latencyP50: { title: 'latency, 50% of frames', unit: 'ms', better: 'lower' },
  latencyP90: { title: 'latency, 90% of frames', unit: 'ms', better: 'lower' },
  latencyP99: { title: 'latency, 99% of frames', unit: 'ms', better: 'lower' },
  latencyP999: { title: 'latency, 99.9% of frames', unit: 'ms', better: 'lower' },
  latencyMax: { title: 'longest latency', unit: 'ms', better: 'lower' },
  relayCpuShare: { title: "share of the relay's core in use", unit: 'cores', better: 'none' },
  rss: { title: 'resident memory of the relay', unit: 'bytes', better: 'lower' },
  drops: { title: 'frames dropped or lost', unit: 'frames', better: 'lower' },
  rateAtObjective: { title: 'highest rate that meets the objective', unit: 'frames/s', better: 'higher' },
  timePerOp: { title: 'time per operation', unit: 'ns/op', better: 'lower' },
  residentAnon: { title: 'memory of the relay that is its own', unit: 'bytes', better: 'lower' },
  residentFile: {
    title: "memory of the relay that is files': code, and the store's pages",
    unit: 'bytes',
    better: 'lower',
  },
  loginsPerSec: { title: 'logins', unit: 'logins/s', better: 'higher' },
  cpuPerLogin: { title: 'CPU time of the relay per login', unit: 'us/login', better: 'lower' },
  signatureShare: {
    title: 'logins per CPU second of the relay, over signatures that the same core checks',
    unit: 'ratio',
    better: 'higher',
  },
  overSignature: {
    title: 'logins per CPU second, over those with a signature',
    unit: 'ratio',
    better: 'higher',
  },
  signaturesPerSec: {
    title: 'Ed25519 signatures that the core checks',
    unit: 'signatures/s',
    better: 'none',
  },
  floodOverQuiet: {
    title: 'latency of calls in the flood over that in quiet, 99% of frames',
    unit: 'ratio',
    better: 'lower',
  },
  quietAudioP99: { title: 'latency of calls in quiet, 99% of frames', unit: 'ms', better: 'lower' },
  offeredOverCapacity: {
    title: 'logins offered over what the relay takes',
    unit: 'ratio',
    better: 'none',
  },
  loginsRefused: { title: 'tries that were refused', unit: 'tries', better: 'lower' },
  loginRateAtObjective: {
    title: 'highest rate of logins that meets the objective',
    unit: 'logins/s',
    better: 'higher',
  },
  audioP99: { title: 'latency of calls beside it, 99% of frames', unit: 'ms', better: 'lower' },
  videoP99: { title: 'latency of video, 99% of frames', unit: 'ms', better: 'lower' },
  setUpP99: { title: 'time to set up a call, 99%', unit: 'ms', better: 'lower' },
  bytesPerPeer: { title: 'resident memory per peer', unit: 'bytes', better: 'lower' },
  cpuPerPeer: { title: 'CPU time of the relay per peer and second', unit: 'us/s', better: 'lower' },
} as const satisfies Record<string, MetricAbout>;

export type MetricName = keyof typeof METRICS;

const LATENCIES = ['latencyP50', 'latencyP90', 'latencyP99', 'latencyP999', 'latencyMax'] as const;
const RELAY = ['relayCpuShare', 'rss', 'drops'] as const;

/** Of a closed loop: the rate is the answer. */
export const RATE_FIRST = ['throughput', 'cpuPerFrame', ...LATENCIES, ...RELAY] as const;
/** Of a closed loop of one packet: the time it takes is the answer. */
export const LATENCY_FIRST = [
  'latencyP50',
  'latencyP90',
  'latencyP99',
  'latencyP999',
  'latencyMax',
  'throughput',
  'cpuPerFrame',
  ...RELAY,
] as const;
/** Of an open loop: the rate is given, so what it costs is the answer. */
export const COST_FIRST = ['cpuPerFrame', 'throughput', ...LATENCIES, ...RELAY] as const;
/** Of a search for the highest rate. */
export const CAPACITY = ['rateAtObjective', 'cpuPerFrame', 'latencyP50', 'latencyP99', ...RELAY] as const;
