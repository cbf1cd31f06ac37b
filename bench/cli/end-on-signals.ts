/**
 * Ends a run that is interrupted, with the exit code that a shell gives to the signal. Processes of the run go with this
 * one: servers are killed on its exit, and loads end when the channel to it closes.
 */
import { constants } from 'node:os';

export function endOnSignals(before: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      before();
      process.exit(128 + constants.signals[signal]);
    });
  }
}
