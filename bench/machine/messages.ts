/** What the machine process is told and what it answers. Types only. */
import type { Calibration, Speed } from '../reporter/result.ts';

export type ToMachine = { kind: 'calibrate'; seconds: number } | { kind: 'probe' };

export type FromMachine =
  | { kind: 'calibrated'; calibration: Calibration }
  | { kind: 'probed'; speed: Speed }
  | { kind: 'failed'; message: string };
