/** What the processes of a benchmark tell each other over IPC. Types only. */

/** Which peers talk to each other, in terms of the shards that a relay deals sockets to, round-robin. */
export const PAIRINGS = ['random', 'same', 'cross'] as const;
export type Pairing = (typeof PAIRINGS)[number];

export interface LoadPlan {
  url: string;
  /** Shards of the relay, to know which pairs are split over two of them. */
  shards: number;
  peers: number;
  /** Frames each peer begins with; a pair has twice as many under way from then on. */
  window: number;
  payloadBytes: number;
  /** Channels of a call; its frames take turns on them. */
  channels: number;
  pairing: Pairing;
  warmupMs: number;
  measureMs: number;
}

export type ToGenerator = { kind: 'start'; plan: LoadPlan } | { kind: 'stop' };

export type FromGenerator =
  | { kind: 'measuring' }
  | {
      kind: 'measured';
      frames: number;
      elapsedMs: number;
      /** CPU time of the generator over the same span. */
      cpuMs: number;
      /** Share of pairs whose ends are on different shards, 0 to 1. */
      crossShare: number;
    }
  /** Every frame sent has arrived as it was sent. */
  | { kind: 'verified'; frames: number }
  | { kind: 'failed'; message: string };

export type ToRelay = { kind: 'sample' } | { kind: 'collect' };

export type FromRelay =
  | { kind: 'listening'; url: string }
  | {
      kind: 'sample';
      atMs: number;
      cpuMs: number;
      rssBytes: number;
      /** Frames that the relay dropped since its start, by reason. */
      drops: Record<string, number>;
    }
  /** Threads that were asked to collect garbage, and those that said that they have. */
  | { kind: 'collected'; threads: number; collected: number }
  | { kind: 'failed'; message: string };
