/** Measures the core that it was pinned to when it is asked, and sleeps in between. */
import { Loopback } from './loopback.ts';
import { measureCalibration } from './measure-calibration.ts';
import { measureSignatures } from './measure-signatures.ts';
import { measureSpeed } from './measure-speed.ts';
import type { FromMachine, ToMachine } from './messages.ts';

if (!process.send) throw new Error('machine-process is started by a benchmark, not by hand.');

/** Probes that compile the code, and find the core awake. */
const WARM_UP_PROBES = 5;

let loopback: Loopback | null = null;

async function answer(message: ToMachine): Promise<FromMachine> {
  if (message.kind === 'calibrate') {
    return { kind: 'calibrated', calibration: await measureCalibration(message.seconds) };
  }
  if (message.kind === 'signatures') return { kind: 'verified', perSec: measureSignatures() };
  if (loopback === null) {
    loopback = await Loopback.open();
    for (let i = 0; i < WARM_UP_PROBES; i++) await measureSpeed(loopback);
  }
  return { kind: 'probed', speed: await measureSpeed(loopback) };
}

process.on('message', (message: ToMachine) => {
  answer(message)
    .catch((error: Error): FromMachine => ({ kind: 'failed', message: error.message }))
    .then((said) => process.send?.(said));
});
process.once('disconnect', () => process.exit());
