/** What a phase of the load is to the engine. Types only. */

import type { Direction } from './directions.ts';
import type { LoadFault } from './fault.ts';
import type { Measured } from './plan.ts';

/** A phase while it runs; the engine hands it the events of the sockets. */
export interface RunningPhase {
  readonly directions: readonly Direction[];
  /**
   * Sends, and measures after the warm-up.
   * @param measuring is called when the warm-up is over.
   */
  measure(measuring: () => void): Promise<Measured>;
  /** Sends nothing more; what is under way still arrives and is still checked. */
  cease(): void;
  /** Everything that one read of this peer brought has been handed over. */
  readEnded(member: number): void;
  /** The kernel has taken all that waited in this peer's socket. */
  drained(member: number): void;
  /**
   * What had not arrived by the deadline after `cease`: an open loop counts it as lost.
   * @returns the fault where it ends the run.
   */
  gaveUp(packets: number): LoadFault | null;
}
