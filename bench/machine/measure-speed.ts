/**
 * How fast this core is right now, in about 35 ms: the processor's share and the kernel's, as a relay needs both. The two
 * change apart: on the shared machine of docs/benchmarks.md the kernel's falls by 40% within a second and comes back,
 * while the processor's falls by 10%.
 */
import type { Speed } from '../reporter/result.ts';
import { cpuUnit } from './cpu-work.ts';
import type { Loopback } from './loopback.ts';
import { midmean } from './middle.ts';

/** What the machine that the figures of docs/benchmarks.md come from does at rest: a speed of 1. Only ratios matter. */
const REFERENCE_UNITS_PER_SEC = 78_500;
const REFERENCE_ROUND_TRIPS_PER_SEC = 110_000;

const SLICES = 16;
/** About a millisecond each, so that what interrupts a slice does not reach the next. */
const UNITS_PER_SLICE = 80;
const ROUND_TRIPS_PER_SLICE = 110;

/** @returns relative to the reference, higher is faster. */
export async function measureSpeed(loopback: Loopback): Promise<Speed> {
  const units: number[] = [];
  const roundTrips: number[] = [];
  for (let slice = 0; slice < SLICES; slice++) {
    units.push(cpuUnitsPerSec(UNITS_PER_SLICE));
    roundTrips.push(await roundTripsPerSec(loopback, ROUND_TRIPS_PER_SLICE));
  }
  return {
    processor: midmean(units) / REFERENCE_UNITS_PER_SEC,
    kernel: midmean(roundTrips) / REFERENCE_ROUND_TRIPS_PER_SEC,
  };
}

/** Keeps the results of the work from being left out. */
let worked = 0;

export function cpuUnitsPerSec(units: number): number {
  const startedAt = performance.now();
  for (let i = 0; i < units; i++) worked = (worked + cpuUnit()) | 0;
  return perSec(units, startedAt);
}

export async function roundTripsPerSec(loopback: Loopback, count: number): Promise<number> {
  const startedAt = performance.now();
  await loopback.roundTrips(count);
  return perSec(count, startedAt);
}

function perSec(count: number, startedAt: number): number {
  return (count * 1000) / (performance.now() - startedAt);
}
