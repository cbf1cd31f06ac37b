/** What the machine process is told and what it answers. Types only. */
import type { Calibration, Speed } from '../reporter/result.ts';

export type ToMachine = { kind: 'calibrate'; seconds: number } | { kind: 'probe' } | { kind: 'signatures' };

export type FromMachine =
  | { kind: 'calibrated'; calibration: Calibration }
  | { kind: 'probed'; speed: Speed }
  /** Signatures that Node checks in a second of CPU time. */
  | { kind: 'verified'; perSec: number }
  | { kind: 'failed'; message: string };
