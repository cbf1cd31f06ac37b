/** Sizes of what a relay's threads share. */

const MiB = 1024 * 1024;

/** One ring per ordered pair: 64 shards would have 4,032 of them. */
export const MAX_SHARDS = 64;
/**
 * One ring of a relay with this many shards. A shard that waits for its core for 2 ms gets 4 MB from one that forwards
 * 12 M frames/s meanwhile: so 4 MiB, as far as all rings together stay within 64 MiB; never less than two of the
 * largest bundles each way need. Resident only as far as they are used.
 */
export function ringBytes(shards: number): number {
  const rings = Math.max(1, shards * (shards - 1));
  let bytes = 4 * MiB;
  while (bytes > MiB / 2 && bytes * rings > 64 * MiB) bytes /= 2;
  return bytes;
}
/**
 * The young generation of a shard's heap. With V8's own, 48 MB, a flood of logins makes collections that take 4 ms, and the
 * packets of calls wait for them; with 6 MB the p99 of calls beside waves of proofs fell from 14.6 to 6.2 ms, and
 * throughput stayed as it was (docs/architecture.md).
 */
export const SHARD_YOUNG_GENERATION_MB = 6;
/** Proofs per task of the directory pool: 64 x 136 us = 9 ms, long enough to hide the hand-over of about 60 us. */
export const PROOFS_PER_TASK = 64;
/** Look-ups per task: 256 x about 10 us; a write of 256 is one commit, and a commit costs as much for one. */
export const READS_PER_TASK = 256;
export const WRITES_PER_TASK = 256;
/** Peers whose last moment here waits to be written: 10,000 x about 150 bytes; a second of them is one commit's time. */
export const MAX_SEEN_PENDING = 10_000;
/** How often those are written: a crash costs at most this much of them. */
export const SEEN_FLUSH_MS = 1_000;
/** Peers of one round of presence news: 16,384 x about 100 bytes is told to a shard in one post. */
export const MAX_CHANGES_GATHERED = 16_384;
/** How often what has expired is removed, and how much of each table in one transaction. */
export const SWEEP_MS = 60_000;
export const MAX_SWEPT = 1_000;
/** The operator hears of the same trouble of the directory this often at most. */
export const TROUBLE_EVERY_MS = 60_000;
/** How often another free port is looked for when somebody takes the one that was found: once in 50 starts under load. */
export const FREE_PORT_TRIES = 10;
/** How long the exit guard waits for the shards to close their sockets: some ms, or as long as a thread takes to start. */
export const EXIT_WAIT_MS = 2_000;
/** How long `close` waits for the shards before it ends their threads. */
export const CLOSE_WAIT_MS = 5_000;
