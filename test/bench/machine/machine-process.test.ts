import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { CalibrationSchema } from '../../../bench/reporter/result.ts';
import { built } from '../suites/built.ts';
import { childProcesses } from './child-processes.ts';

const { calibrate } =
  await built<typeof import('../../../bench/machine/calibrate.ts')>('bench/machine/calibrate');
const { SpeedProbe } =
  await built<typeof import('../../../bench/machine/speed-probe.ts')>('bench/machine/speed-probe');

/** Fixed before any score was published: with another mix, scores of two versions would not compare. */
const FIRST_UNITS = [-1_133_782_739, 32_913_647, -309_516_551];

describe('a machine', () => {
  test('is calibrated in a process that ends', async () => {
    const before = childProcesses();
    const calibration = await calibrate({ core: null, seconds: 0.2 });
    expect(v.parse(CalibrationSchema, calibration)).toEqual(calibration);
    for (const [name, { samples, median }] of Object.entries(calibration)) {
      expect(samples.length, name).toBeGreaterThanOrEqual(5);
      expect(Math.min(...samples), name).toBeGreaterThan(0);
      expect(median, name).toBeGreaterThanOrEqual(Math.min(...samples));
      expect(median, name).toBeLessThanOrEqual(Math.max(...samples));
    }
    expect(childProcesses()).toEqual(before);
  });

  test('is probed by one process as often as one asks, until it is closed', async () => {
    const before = childProcesses();
    const probe = new SpeedProbe({ core: null });
    for (let i = 0; i < 3; i++) {
      const speed = await probe.probe();
      for (const figure of [speed.processor, speed.kernel]) {
        expect(figure).toBeGreaterThan(0);
        expect(figure).toBeLessThan(Number.POSITIVE_INFINITY);
      }
      if (process.platform === 'linux') expect(childProcesses().length).toBe(before.length + 1);
    }
    await probe.close();
    expect(childProcesses()).toEqual(before);
    await expect(probe.probe()).rejects.toThrow('speed probe');
  });

  test('does the same work in every version', async () => {
    const { cpuUnit } =
      await built<typeof import('../../../bench/machine/cpu-work.ts')>('bench/machine/cpu-work');
    const units = Array.from({ length: 3 }, cpuUnit);
    expect(units).toEqual(FIRST_UNITS);
  });
});
