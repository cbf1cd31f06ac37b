/**
 * Tells the senders of realtime channels that their frames are dropped (docs/protocol.md §6.6). Not the packet path: it is
 * called where frames are dropped, or wait.
 *
 *   where frames are dropped                                  where their sender is
 *   `droppedFor(receiving end)` -> Episode -- ShardMessage -> `told`  -> Episode -> `congestion` frame
 *                                               `dropped(sending end)` ----^
 *
 * Both sides gather: an episode says something FIRST_MS after its first drop (a rate needs some time to be measured),
 * then at most once in EVERY_MS, and `over` when there was nothing for OVER_MS. Episodes live by label, so at most one for
 * each end of the shard and direction, and one whose end is gone is forgotten.
 */
import { encodeControl } from '../../core/protocol/control.ts';
import type { CongestionCause } from '../../core/protocol/errors.ts';
import { OP_CONGESTION } from '../../core/protocol/ops.ts';
import { C } from '../../core/threads/counters.ts';
import type { ShardMessage } from '../../core/threads/messages.ts';
import type { Ends } from './ends.ts';
import type { Links } from './links.ts';
import type { Outboxes } from './outbox.ts';
import type { SessionTable } from './session.ts';

const SIGNAL = 0;
const FIRST_MS = 100;
export const EVERY_MS = 250;
const OVER_MS = 1_000;
/** How often episodes are looked at while there are any. */
const TICK_MS = 50;
/** Beyond it the news wait and merge: a peer must not become a slow reader of them. */
export const MAX_CONTROL_WAITING_BYTES = 16 * 1024;
const MAX_U32 = 0xffff_ffff;

type Told = Extract<ShardMessage, { t: 'congestion' }>;

interface Episode {
  cause: CongestionCause;
  /** Since it was last said. */
  dropped: number;
  passedBytes: number;
  sinceMs: number;
  lastDropMs: number;
  /** Not said before this time. */
  nextMs: number;
  /** Frames are dropped at the receiver's shard, which has not said `over`. */
  remote: boolean;
  bytesPerSec: number;
}

export interface CongestionHost {
  readonly index: number;
  readonly sessions: SessionTable;
  readonly ends: Ends;
  readonly outboxes: Outboxes;
  readonly links: Links;
  readonly counters: Float64Array;
  /** Asks for a turn: `flush` will be called. */
  schedule(): void;
}

export class Congestion {
  readonly #host: CongestionHost;
  /** By the label of an end of this shard: what it sends, and what is sent to it. */
  readonly #sending = new Map<number, Episode>();
  readonly #receiving = new Map<number, Episode>();
  #timer: NodeJS.Timeout | undefined;

  constructor(host: CongestionHost) {
    this.#host = host;
  }

  /** Frames that `end`, one of this shard, has sent were dropped before they got anywhere. */
  dropped(end: number, cause: CongestionCause, frames: number, now = performance.now()): void {
    this.#drop(this.#sending, this.#host.ends.label[end]!, cause, frames, now);
  }

  /** Frames for the end of this shard with this label were dropped. */
  droppedFor(label: number, cause: CongestionCause, frames: number, now = performance.now()): void {
    this.#drop(this.#receiving, label, cause, frames, now);
  }

  /** Bytes that `end` has sent got through; for the rate, while its frames are dropped. */
  passed(end: number, bytes: number): void {
    const episode = this.#sending.get(this.#host.ends.label[end]!);
    if (episode !== undefined) episode.passedBytes += bytes;
  }

  /** The same, for the label of a receiving end. */
  passedFor(label: number, bytes: number): void {
    const episode = this.#receiving.get(label);
    if (episode !== undefined) episode.passedBytes += bytes;
  }

  /** What a receiver's shard says of what `label` sends. */
  told({ label, cause, bytesPerSec, dropped, over }: Told, now = performance.now()): void {
    if (this.#host.ends.indexOf(label) < 0) return;
    let episode = this.#sending.get(label);
    if (episode === undefined) {
      // It ended here before: an end has one `over` for each episode.
      if (over) return;
      episode = this.#begin(this.#sending, label, cause, now, now);
    }
    episode.dropped += dropped;
    episode.remote = !over;
    episode.bytesPerSec = bytesPerSec;
    if (over) {
      // Said at once, unless something else still drops.
      episode.lastDropMs = Math.min(episode.lastDropMs, now - OVER_MS);
    } else {
      episode.cause = cause;
    }
    this.#host.schedule();
  }

  /** Says what is due. Once per turn, before the outboxes are flushed. */
  flush(now = this.#timer === undefined ? 0 : performance.now()): void {
    if (this.#timer === undefined) return;
    for (const [label, episode] of this.#receiving) {
      const end = this.#host.ends.indexOf(label);
      if (end < 0) this.#receiving.delete(label);
      else if (now >= episode.nextMs) this.#tellSender(label, end, episode, now);
    }
    for (const [label, episode] of this.#sending) {
      const end = this.#host.ends.indexOf(label);
      if (end < 0) this.#sending.delete(label);
      else if (now >= episode.nextMs) this.#say(label, end, episode, now);
    }
    if (this.#sending.size === 0 && this.#receiving.size === 0) this.stop();
  }

  /** Labels under congestion, in both directions. */
  get size(): number {
    return this.#sending.size + this.#receiving.size;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #drop(
    episodes: Map<number, Episode>,
    label: number,
    cause: CongestionCause,
    frames: number,
    now: number,
  ): void {
    const episode = episodes.get(label) ?? this.#begin(episodes, label, cause, now, now + FIRST_MS);
    episode.cause = cause;
    episode.dropped += frames;
    episode.lastDropMs = now;
  }

  #begin(
    episodes: Map<number, Episode>,
    label: number,
    cause: CongestionCause,
    now: number,
    nextMs: number,
  ): Episode {
    const episode: Episode = {
      cause,
      dropped: 0,
      passedBytes: 0,
      sinceMs: now,
      lastDropMs: now,
      nextMs,
      remote: false,
      bytesPerSec: 0,
    };
    episodes.set(label, episode);
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.#host.schedule(), TICK_MS);
      this.#timer.unref();
    }
    return episode;
  }

  #tellSender(label: number, end: number, episode: Episode, now: number): void {
    const { ends, index, links } = this.#host;
    const over = now - episode.lastDropMs >= OVER_MS;
    if (!over && episode.dropped === 0) return;
    const message: Told = { t: 'congestion', label: ends.peerLabel[end]!, ...measured(episode, over, now) };
    if (over) this.#receiving.delete(label);
    const shard = ends.peerShard[end]!;
    if (shard === index) this.told(message, now);
    else links.sendMessage(shard, message);
  }

  #say(label: number, end: number, episode: Episode, now: number): void {
    const over = !episode.remote && now - episode.lastDropMs >= OVER_MS;
    if (!over && episode.dropped === 0) return;
    const session = this.#host.sessions.at(this.#host.ends.owner[end]!);
    if (session === null) return;
    if (session.queue !== null && session.queue.controlBytes > MAX_CONTROL_WAITING_BYTES) return;
    const body = measured(episode, over, now);
    if (over) this.#sending.delete(label);
    this.#host.counters[C.congestionTold]!++;
    this.#host.outboxes.appendControl(session, encodeControl(OP_CONGESTION, 0, { label, ...body }), SIGNAL);
  }
}

/** What is to be said; the next interval begins. Where the receiver's shard has measured the rate, its figure holds. */
function measured(episode: Episode, over: boolean, now: number): Omit<Told, 't' | 'label'> {
  const seconds = (now - episode.sinceMs) / 1_000;
  if (seconds > 0 && !over && !episode.remote) {
    episode.bytesPerSec = Math.min(MAX_U32, Math.round(episode.passedBytes / seconds));
  }
  const dropped = Math.min(MAX_U32, episode.dropped);
  episode.dropped = 0;
  episode.passedBytes = 0;
  episode.sinceMs = now;
  episode.nextMs = now + EVERY_MS;
  return { cause: episode.cause, bytesPerSec: episode.bytesPerSec, dropped, over };
}
