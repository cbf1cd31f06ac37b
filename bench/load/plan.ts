/** What a load process is told to do, and what it reports. Types only. */
import type { Priority } from '../../core/protocol/ops.ts';

/** How the load speaks to a system. `labels` is supernode's data frames over a bare WebSocket, without its control plane. */
export const DIALECTS = ['supernode', 'labels', 'nats', 'turn-tcp', 'turn-tcp-udp', 'turn-udp'] as const;
export type Dialect = (typeof DIALECTS)[number];

/** Payload bytes of a packet: always the same, or drawn (with a fixed seed) evenly from a list. */
export type Sizes = { bytes: number } | { oneOf: readonly number[] };

/** One stream of packets in each direction of a call. */
export interface Flow {
  name: string;
  priority: Priority;
  /** False: a realtime channel whose packets outlive the run, so that a loss is the system's. */
  reliable: boolean;
  sizes: Sizes;
  /** Packets a second in each direction (open loop). */
  ratePerSec: number;
  /** Packets that are due together; the rate stays the same. */
  burst: number;
}

/** Who is connected. Packets go between the ends of a pair; `fan-in` has all peers but one talk to that one. */
export interface LoadPlan {
  dialect: Dialect;
  /** `ws://host:port` for supernode and labels, `host:port` for the others. */
  address: string;
  /** Peers of this load process; even for `pairs`. */
  peers: number;
  shape: 'pairs' | 'fan-in';
  /** One channel each; every call has them all. */
  flows: readonly Flow[];
}

export type Phase =
  /** Closed loop: each peer keeps `window` packets under way; the system sets the pace. Only the first flow is used. */
  | {
      kind: 'closed';
      window: number;
      /** One frame in each message, or as many as there are to send. */
      messages: 'single' | 'bundled';
      warmupMs: number;
      measureMs: number;
    }
  /** Open loop: every flow at its rate, times `rateFactor`; latency counts from the time a packet was due. */
  | { kind: 'open'; rateFactor: number; warmupMs: number; measureMs: number };

export type ToLoad =
  | { kind: 'connect'; plan: LoadPlan }
  | { kind: 'run'; phase: Phase }
  /** Everything under way must arrive; then the connections end. */
  | { kind: 'stop' };

export interface Measured {
  kind: 'measured';
  /** Packets that arrived in the measured time, and their payload bytes. */
  packets: number;
  bytes: number;
  elapsedMs: number;
  /** CPU time of this load process over the same span. */
  cpuMs: number;
  /** Open loop: packets that were due in the measured time. Closed loop: null. */
  due: number | null;
  /** Packets known to be lost by now. A closed loop fails instead. */
  lost: number;
  /** HdrHistogram of microseconds, V2 compressed, base64; of the packets counted above. */
  histogram: string;
}

export type FromLoad =
  /** Everybody is logged in and every call is up. */
  | { kind: 'connected'; elapsedMs: number }
  /** The warm-up is over: the measured time begins now. */
  | { kind: 'measuring' }
  | Measured
  /** Answers `stop`: what was sent has arrived as it was sent, but for `lost`. */
  | { kind: 'stopped'; packets: number; lost: number }
  /** `lost`, `corrupted` (also: out of order, repeated, for somebody else) or `broken` (the connection, the process). */
  | { kind: 'failed'; fault: 'lost' | 'corrupted' | 'broken'; message: string };
