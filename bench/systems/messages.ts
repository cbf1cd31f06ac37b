/** What the run tells a server process of ours over IPC, and what it answers. */
import * as v from 'valibot';

export type ToServer = { kind: 'sample' } | { kind: 'collect' };

const count = v.pipe(v.number(), v.finite(), v.minValue(0));

export const FromServerSchema = v.variant('kind', [
  v.object({ kind: v.literal('listening'), address: v.string() }),
  /** `cpuMs` and `rssBytes` are its own view, for platforms where they cannot be read from outside. */
  v.object({ kind: v.literal('sample'), cpuMs: count, rssBytes: count, drops: count }),
  /** Threads that were asked to collect garbage, and those that said that they have. */
  v.object({ kind: v.literal('collected'), threads: count, collected: count }),
  v.object({ kind: v.literal('failed'), message: v.string() }),
]);
export type FromServer = v.InferOutput<typeof FromServerSchema>;
