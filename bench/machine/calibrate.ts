/** Figures of this machine, measured in a process of its own on the core that matters. */
import { Child } from '../load/child.ts';
import type { Calibration } from '../reporter/result.ts';
import type { FromMachine, ToMachine } from './messages.ts';

/** @param core the relay's; null: not pinned. @param seconds about how long it takes. */
export async function calibrate({
  core,
  seconds,
}: {
  core: number | null;
  seconds: number;
}): Promise<Calibration> {
  const child = new Child<ToMachine, FromMachine>('../machine/machine-process', {
    name: 'calibration',
    core,
  });
  try {
    child.tell({ kind: 'calibrate', seconds });
    return (await child.next('calibrated', seconds * 1000)).calibration;
  } finally {
    await child.stop();
  }
}
