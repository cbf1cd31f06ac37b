/** A channel that this peer asked for, and that is neither open nor refused yet. */
import type { Channel } from './channel.ts';
import type { ChannelKind } from './channel-core.ts';

export interface PendingOpen {
  kind: ChannelKind;
  windowBytes: number;
  resolve(channel: Channel): void;
  reject(error: unknown): void;
  /** Set when nobody waits any more: what is opened is to be closed again. */
  abandoned: boolean;
}

/** Settles `promise` once: with the channel, an error, or the signal's reason. */
export function pendingOpen(
  kind: ChannelKind,
  windowBytes: number,
  signal: AbortSignal | undefined,
  promise: { resolve(channel: Channel): void; reject(error: unknown): void },
): PendingOpen {
  const abort = (): void => {
    pending.abandoned = true;
    promise.reject(signal!.reason);
  };
  const settled = (): void => signal?.removeEventListener('abort', abort);
  const pending: PendingOpen = {
    kind,
    windowBytes,
    abandoned: false,
    resolve: (channel) => {
      settled();
      promise.resolve(channel);
    },
    reject: (error) => {
      settled();
      promise.reject(error);
    },
  };
  signal?.addEventListener('abort', abort, { once: true });
  return pending;
}
