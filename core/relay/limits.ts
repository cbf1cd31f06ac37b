/** Sizes of what a relay's threads share. */

/** One ring per ordered pair: 64 shards would have 4,032 of them. */
export const MAX_SHARDS = 64;
/** Eight of the largest bundles; 12 rings of 4 shards reserve 12 MiB, resident only as far as they are used. */
export const RING_BYTES = 1024 * 1024;
/** Proofs per task of the directory pool: 64 x 136 us = 9 ms, long enough to hide the hand-over of about 60 us. */
export const PROOFS_PER_TASK = 64;
/** How long the exit guard waits for the shards to close their sockets. */
export const EXIT_WAIT_MS = 500;
/** How long `close` waits for the shards before it ends their threads. */
export const CLOSE_WAIT_MS = 5_000;
