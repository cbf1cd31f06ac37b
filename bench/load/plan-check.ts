/** Checks what a load process is told, so that a wrong figure costs a sentence and not a strange measurement. */

import { OptionError } from '../../core/protocol/errors.ts';
import { MAX_PAYLOAD_BYTES, MAX_REALTIME_QUEUE_BYTES } from '../../core/protocol/limits.ts';
import { MIN_PAYLOAD_BYTES } from './packet-cycle.ts';
import type { Flow, LoadPlan, Phase } from './plan.ts';

const MAX_PEERS = 20_000;
const MAX_BURST = 1_024;
/** Packets of a window times two must fit in what one receiver of a relay may have waiting. */
const MAX_WINDOW = MAX_REALTIME_QUEUE_BYTES / 2 / MIN_PAYLOAD_BYTES;

function whole(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new OptionError(`${name} must be a whole number from ${least} to ${most}, not ${value}.`);
  }
}

function above0(name: string, value: number): void {
  if (!(Number.isFinite(value) && value > 0)) {
    throw new OptionError(`${name} must be a number above 0, not ${value}.`);
  }
}

function checkFlow(flow: Flow): void {
  const sizes = 'bytes' in flow.sizes ? [flow.sizes.bytes] : flow.sizes.oneOf;
  if (sizes.length === 0) throw new OptionError(`Flow "${flow.name}" names no size.`);
  for (const bytes of sizes) {
    whole(`Payload bytes of flow "${flow.name}"`, bytes, MIN_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES);
  }
  above0(`ratePerSec of flow "${flow.name}"`, flow.ratePerSec);
  whole(`burst of flow "${flow.name}"`, flow.burst, 1, MAX_BURST);
}

/** @throws OptionError naming the value and what is allowed. */
export function checkPlan(plan: LoadPlan): void {
  whole('peers', plan.peers, 2, MAX_PEERS);
  if (plan.shape === 'pairs' && plan.peers % 2 !== 0) {
    throw new OptionError(`peers in pairs must be an even number, not ${plan.peers}.`);
  }
  if (plan.flows.length === 0) throw new OptionError('A plan needs at least one flow.');
  for (const flow of plan.flows) checkFlow(flow);
}

/** @throws OptionError naming the value and what is allowed. */
export function checkPhase(phase: Phase): void {
  if (phase.kind === 'closed') whole('window', phase.window, 1, MAX_WINDOW);
  else above0('rateFactor', phase.rateFactor);
  above0('measureMs', phase.measureMs);
  if (!(phase.warmupMs >= 0)) throw new OptionError(`warmupMs must be 0 or more, not ${phase.warmupMs}.`);
}
