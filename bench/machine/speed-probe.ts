/**
 * How fast the relay's core is at a moment. On a shared machine it changes by the second with what the neighbours do; a
 * run asks before each round, and tells with each figure under which conditions it was measured.
 */

import { Child } from '../load/child.ts';
import type { Speed } from '../reporter/result.ts';
import type { FromMachine, ToMachine } from './messages.ts';

export class SpeedProbe implements AsyncDisposable {
  readonly #child: Child<ToMachine, FromMachine>;

  /** @param core the relay's; null: not pinned. The process sleeps until it is asked. */
  constructor({ core }: { core: number | null }) {
    this.#child = new Child('../machine/machine-process', { name: 'speed probe', core });
  }

  /**
   * Takes 30 to 40 ms on that core; the first one also starts and warms up.
   */
  async probe(): Promise<Speed> {
    this.#child.tell({ kind: 'probe' });
    return (await this.#child.next('probed')).speed;
  }

  /** Ed25519 signatures that Node checks in a second of this core: 100 ms. */
  async signaturesPerSec(): Promise<number> {
    this.#child.tell({ kind: 'signatures' });
    return (await this.#child.next('verified')).perSec;
  }

  close(): Promise<void> {
    return this.#child.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
