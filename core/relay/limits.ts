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
/** Proofs per task of the directory pool: 64 x 136 us = 9 ms, long enough to hide the hand-over of about 60 us. */
export const PROOFS_PER_TASK = 64;
/** How long the exit guard waits for the shards to close their sockets. */
export const EXIT_WAIT_MS = 500;
/** How long `close` waits for the shards before it ends their threads. */
export const CLOSE_WAIT_MS = 5_000;
