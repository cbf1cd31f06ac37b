/** The figures of a machine that explain a difference between two: each a median of samples that took turns. */
import type { Calibration, Measure } from '../reporter/result.ts';
import { Loopback } from './loopback.ts';
import { cpuUnitsPerSec, roundTripsPerSec } from './measure-speed.ts';
import { median } from './middle.ts';
import { ThreadWake } from './thread-wake.ts';

const SAMPLES = 9;
/** Larger than the caches of most machines. */
const COPY_BYTES = 64 * 1024 * 1024;
/** What is done between two looks at the clock: about a millisecond. */
const UNITS = 100;
const ROUND_TRIPS = 20;

export async function measureCalibration(seconds: number): Promise<Calibration> {
  const loopback = await Loopback.open();
  const threadWake = new ThreadWake();
  const source = new Uint8Array(COPY_BYTES).fill(1);
  const target = new Uint8Array(COPY_BYTES).fill(2);
  const measures = {
    singleThread: () => cpuUnitsPerSec(UNITS),
    memoryBandwidth: () => copyBytesPerSec(source, target),
    loopback: () => roundTripsPerSec(loopback, ROUND_TRIPS),
    threadWake: () => wakeMicroseconds(threadWake, ROUND_TRIPS),
  };
  const sliceMs = (seconds * 1000) / (4 * (SAMPLES + 1));
  const samples: Record<keyof typeof measures, number[]> = {
    singleThread: [],
    memoryBandwidth: [],
    loopback: [],
    threadWake: [],
  };
  try {
    // The first turn warms up: it compiles the code and touches the memory.
    for (let turn = 0; turn <= SAMPLES; turn++) {
      for (const [name, measure] of Object.entries(measures)) {
        const sample = await medianWithin(sliceMs, measure);
        if (turn > 0) samples[name as keyof typeof measures].push(sample);
      }
    }
  } finally {
    loopback.close();
    await threadWake.close();
  }
  return {
    singleThread: summary(samples.singleThread, 'ops/s', 'higher'),
    memoryBandwidth: summary(samples.memoryBandwidth, 'bytes/s', 'higher'),
    loopback: summary(samples.loopback, 'round trips/s', 'higher'),
    threadWake: summary(samples.threadWake, 'us', 'lower'),
  };
}

/** Measures until the time is over, at least once. */
async function medianWithin(ms: number, measure: () => number | Promise<number>): Promise<number> {
  const until = performance.now() + ms;
  const figures: number[] = [];
  do figures.push(await measure());
  while (performance.now() < until);
  return median(figures);
}

function copyBytesPerSec(source: Uint8Array, target: Uint8Array): number {
  const startedAt = performance.now();
  target.set(source);
  return (COPY_BYTES * 1000) / (performance.now() - startedAt);
}

async function wakeMicroseconds(threadWake: ThreadWake, count: number): Promise<number> {
  const startedAt = performance.now();
  await threadWake.roundTrips(count);
  return ((performance.now() - startedAt) * 1000) / count;
}

function summary(samples: number[], unit: string, better: Measure['better']): Measure {
  return { unit, better, median: median(samples), samples };
}
