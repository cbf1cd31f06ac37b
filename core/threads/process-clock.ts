/**
 * Milliseconds of a clock that all threads of the process share and that nobody sets (`performance.now()` begins anew in each
 * thread, and `Date.now()` may jump). It stands still while the machine sleeps.
 */
const OFFSET_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export function processMs(): number {
  return performance.now() + OFFSET_MS;
}
