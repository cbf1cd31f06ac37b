/** What a relay says no with; for a load this is an answer like any other. */
import type { Body } from '../../../core/protocol/control.ts';
import type { CloseReason } from '../../../core/protocol/errors.ts';
import type { OP_ERROR } from '../../../core/protocol/ops.ts';

/** An error frame. */
export class RelayRefusal extends Error {
  readonly code: string;
  readonly retryAfterMs: number | null;

  constructor({ code, message, retryAfterMs }: Body<typeof OP_ERROR>) {
    super(`The relay reports ${code}: ${message}`);
    this.name = 'RelayRefusal';
    this.code = code;
    this.retryAfterMs = retryAfterMs ?? null;
  }
}

/** `closed` in place of `opened`. */
export class ChannelRefusal extends Error {
  readonly reason: CloseReason;

  constructor(reason: CloseReason) {
    super(`The relay opened no channel: ${reason}.`);
    this.name = 'ChannelRefusal';
    this.reason = reason;
  }
}
