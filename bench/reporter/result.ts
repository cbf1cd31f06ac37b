/**
 * A result file: what one run of the suites measured, on what, and how. This schema is the one source: the types are
 * inferred from it, `result.schema.json` is generated from it, and every reader and writer goes through it.
 *
 * The words: a *benchmark* is a question ("saturate, one frame a message, 100 peers"); a *system* is what was asked
 * (supernode, or one that it is compared with); a *case* is a benchmark on a system; a *round* is one run of a case in
 * processes of its own, so rounds are independent; a *metric* has one sample per round.
 */
import * as v from 'valibot';

export const RESULT_KIND = 'supernode-bench-result';
export const RESULT_VERSION = 1;

const finite = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const share = v.pipe(v.number(), v.finite(), v.minValue(0));
const text = v.pipe(v.string(), v.maxLength(4096));
const name = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9_./@:-]{0,199}$/));
const timestamp = v.pipe(v.string(), v.isoTimestamp());
const scalar = v.union([v.string(), finite, v.boolean(), v.null()]);

export const MetricSchema = v.strictObject({
  /** Stable, such as `throughput`, `cpuPerFrame`, `latencyP99`, `timePerOp`. */
  name,
  title: text,
  /** Such as `frames/s`, `us/frame`, `ms`, `ns/op`, `bytes`. */
  unit: text,
  better: v.picklist(['higher', 'lower', 'none']),
  /** The one figure of a case by which two results are compared. Exactly one metric of a case has it. */
  primary: v.boolean(),
  /** One per round, in the order of the rounds. */
  samples: v.pipe(v.array(finite), v.minLength(1)),
});

/** Of a core at a moment, as many times that of the machine for which supernode publishes its figures. */
export const SpeedSchema = v.strictObject({
  /** Work in JavaScript. */
  processor: v.pipe(finite, v.gtValue(0)),
  /** TCP round trips over loopback: the kernel's share of a relay's work, which drifts apart from the processor's. */
  kernel: v.pipe(finite, v.gtValue(0)),
});

export const RoundSchema = v.strictObject({
  /** Milliseconds since the run began. */
  atMs: v.pipe(finite, v.minValue(0)),
  /** Of the relay's core just before the round and after it, their mean; null when it was not probed. */
  speed: v.nullable(SpeedSchema),
  /** CPU time over wall time of the busiest load process, 1 = one core; null where there is no load process. */
  loadCpuShare: v.nullable(share),
  /** Time of the measured cores that went to other programs, the more disturbed core; null when unknown. */
  othersCpuShare: v.nullable(share),
});

/** Latency in milliseconds, merged over the rounds of a case. */
export const DistributionSchema = v.strictObject({
  count,
  /** `intended`: from when a packet was due (open loop); `sent`: from when it was sent (closed loop). */
  from: v.picklist(['intended', 'sent']),
  p50: finite,
  p90: finite,
  p99: finite,
  p999: finite,
  max: finite,
  /** For plots: [share of packets, milliseconds], rising. */
  percentiles: v.array(v.strictTuple([v.pipe(finite, v.minValue(0), v.maxValue(1)), finite])),
  /** HdrHistogram, V2 compressed, base64, in microseconds; null when not kept. */
  histogram: v.nullable(v.string()),
});

export const WARNING_CODES = [
  'load-saturated',
  'machine-disturbed',
  'not-pinned',
  'relay-idle',
  'few-rounds',
  'rate-not-reached',
  'planted',
  'dirty-tree',
  'system-missing',
  'frequency-scaling',
] as const;

export const WarningSchema = v.strictObject({
  code: v.picklist(WARNING_CODES),
  /** The id of the case that it is about; null for the whole run. */
  case: v.nullable(name),
  /** One sentence, with what to do about it. */
  text,
});

export const CaseSchema = v.strictObject({
  /** `<benchmark>@<system>`; unique in a file. */
  id: name,
  /** The same for every system, such as `relay/saturate/single/p100` or `frame/read`. */
  benchmark: name,
  /** `frame`, `ring`, `presence`, `outbox`, `login`, `directory`, `relay-throughput`, `relay-latency`, or `profile`. */
  suite: name,
  /** The profile whose load it is; null for a micro-benchmark. */
  profile: v.nullable(name),
  title: text,
  system: name,
  parameters: v.record(v.string(), scalar),
  rounds: v.pipe(v.array(RoundSchema), v.minLength(1)),
  metrics: v.pipe(v.array(MetricSchema), v.minLength(1)),
  latency: v.nullable(DistributionSchema),
});

/** How many times the figure of `of` is that of `to`, with the interval of its error. */
export const RatioSchema = v.strictObject({
  benchmark: name,
  metric: name,
  of: name,
  to: name,
  better: v.picklist(['higher', 'lower', 'none']),
  ratio: v.pipe(finite, v.gtValue(0)),
  low: v.pipe(finite, v.minValue(0)),
  high: v.pipe(finite, v.minValue(0)),
  /** Of the interval, such as 0.95. */
  confidence: finite,
});

export const MeasureSchema = v.strictObject({
  unit: text,
  better: v.picklist(['higher', 'lower']),
  median: finite,
  samples: v.pipe(v.array(finite), v.minLength(1)),
});

export const CalibrationSchema = v.strictObject({
  /** Integer and float work of one thread on the relay's core. */
  singleThread: MeasureSchema,
  /** Copying between two large buffers. */
  memoryBandwidth: MeasureSchema,
  /** TCP round trips of one byte over loopback, both ends in one thread: the kernel's share of a relay's work. */
  loopback: MeasureSchema,
  /** From a MessagePort post to the other thread's handler, and back. */
  threadWake: MeasureSchema,
});

export const FingerprintSchema = v.strictObject({
  cpu: v.strictObject({
    model: text,
    logicalCores: count,
    mhz: v.nullable(finite),
    governor: v.nullable(text),
  }),
  /** Core numbers; null where processes could not be pinned. */
  cores: v.strictObject({
    allowed: v.nullable(v.array(count)),
    relay: v.nullable(v.array(count)),
    load: v.nullable(v.array(count)),
  }),
  memoryBytes: count,
  os: v.strictObject({ platform: text, arch: text, kernel: text, distribution: v.nullable(text) }),
  /** Such as `kvm`; `none` on bare metal; null when it cannot be told. */
  virtualMachine: v.nullable(text),
  /** Such as `docker`; `none`; null when it cannot be told. */
  container: v.nullable(text),
  versions: v.strictObject({
    supernode: text,
    node: text,
    v8: text,
    uv: text,
    uWebSockets: text,
    msgpackr: text,
  }),
  commit: v.nullable(text),
  /** Files changed since the commit; null outside a checkout. */
  dirty: v.nullable(v.boolean()),
});

/** A system that was asked for and is not on this machine. */
export const MissingSchema = v.strictObject({ system: name, why: text, install: text });

export const ResultSchema = v.strictObject({
  kind: v.literal(RESULT_KIND),
  version: v.literal(RESULT_VERSION),
  startedAt: timestamp,
  finishedAt: timestamp,
  /** `quick`, `full`; `custom` when flags chose suites, profiles or peers. */
  mode: v.picklist(['quick', 'full', 'custom']),
  /** SHA-256, hex, of what was measured: suites, profiles, their parameters. Results of different hashes do not compare. */
  suiteHash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  fingerprint: FingerprintSchema,
  calibration: CalibrationSchema,
  /** The configuration as it was resolved, and the flags. */
  settings: v.record(v.string(), v.unknown()),
  /** Versions of the systems measured, by id. */
  systems: v.record(v.string(), v.strictObject({ title: text, version: text })),
  cases: v.array(CaseSchema),
  ratios: v.array(RatioSchema),
  missing: v.array(MissingSchema),
  warnings: v.array(WarningSchema),
});

export type Metric = v.InferOutput<typeof MetricSchema>;
export type Speed = v.InferOutput<typeof SpeedSchema>;
export type Round = v.InferOutput<typeof RoundSchema>;
export type Distribution = v.InferOutput<typeof DistributionSchema>;
export type WarningCode = (typeof WARNING_CODES)[number];
export type Warning = v.InferOutput<typeof WarningSchema>;
export type Case = v.InferOutput<typeof CaseSchema>;
export type Ratio = v.InferOutput<typeof RatioSchema>;
export type Measure = v.InferOutput<typeof MeasureSchema>;
export type Calibration = v.InferOutput<typeof CalibrationSchema>;
export type Fingerprint = v.InferOutput<typeof FingerprintSchema>;
export type Missing = v.InferOutput<typeof MissingSchema>;
export type Result = v.InferOutput<typeof ResultSchema>;
