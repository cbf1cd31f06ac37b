/** One end of an open channel. */

import type { CloseReason } from '../../../core/protocol/errors.ts';
import { dataFrameBytes } from '../../../core/protocol/frame.ts';
import { SMALL_WINDOW_BYTES } from '../../../core/protocol/limits.ts';
import { OP_DATA } from '../../../core/protocol/ops.ts';
import type { BundleWriter } from './bundle-writer.ts';

/** What `open` asks for. */
export interface ChannelKind {
  reliable: boolean;
  /** The number of the priority class. */
  priority: number;
  lifeMs: number;
  /** The channel's name: the callee finds the load that it belongs to by it. */
  protocol: string;
}

export interface ChannelReader {
  /** bytes[from, to) is the payload of a frame; the bytes change after the call. */
  data(bytes: Buffer, from: number, to: number): void;
  closed(reason: CloseReason): void;
  /** The other end has granted more. */
  credited(): void;
}

/** What a reliable end grants: what the client grants to all but its first channels. */
export const WINDOW_BYTES = SMALL_WINDOW_BYTES;
const RETURN_BYTES = WINDOW_BYTES / 2;

export class ChannelEnd {
  readonly label: number;
  readonly op: number;
  readonly reader: ChannelReader;
  readonly #reliable: boolean;
  /** Frame bytes that this end may still send. */
  #creditBytes: number;
  /** Frame bytes that came and were not granted again. */
  #owedBytes = 0;

  constructor(label: number, kind: ChannelKind, creditBytes: number, reader: ChannelReader) {
    this.label = label;
    this.op = OP_DATA + kind.priority;
    this.reader = reader;
    this.#reliable = kind.reliable;
    this.#creditBytes = creditBytes;
  }

  maySend(payloadBytes: number): boolean {
    return !this.#reliable || this.#creditBytes >= dataFrameBytes(payloadBytes);
  }

  /** Begins a frame in the writer's message. @returns the offset of its payload. */
  frame(writer: BundleWriter, payloadBytes: number): number {
    if (this.#reliable) this.#creditBytes -= dataFrameBytes(payloadBytes);
    return writer.frame(this.op, this.label, payloadBytes);
  }

  grant(bytes: number): void {
    this.#creditBytes += bytes;
    this.reader.credited();
  }

  /** @returns the bytes to grant now for what has come, or 0. */
  owe(frameBytes: number): number {
    if (!this.#reliable) return 0;
    this.#owedBytes += frameBytes;
    if (this.#owedBytes < RETURN_BYTES) return 0;
    const bytes = this.#owedBytes;
    this.#owedBytes = 0;
    return bytes;
  }
}
