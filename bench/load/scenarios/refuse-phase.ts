import { OptionError } from '../../../core/protocol/errors.ts';
import type { ScenarioKind, ScenarioPhase } from './scenario.ts';

const PHASES: Record<ScenarioKind, string> = {
  'login-storm': 'logins-closed or logins-open',
  'login-cost': 'logins-alone',
  'login-flood': 'quiet-and-flood',
  idle: 'steady',
  supernode: 'steady',
};

/** @throws OptionError always. */
export function refusePhase(scenario: ScenarioKind, phase: ScenarioPhase): never {
  throw new OptionError(`The scenario ${scenario} runs ${PHASES[scenario]}, not "${phase.kind}".`);
}
