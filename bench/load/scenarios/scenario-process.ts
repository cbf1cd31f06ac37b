/** The process of a scenario (see scenario.ts for what it is told and tells). */
import type { LoadFault } from '../fault.ts';
import { CallsProcess } from './calls-beside.ts';
import { Idle } from './idle.ts';
import { LoginCost } from './login-cost.ts';
import { LoginFloodBesideCalls } from './login-flood-beside-calls.ts';
import { LoginStorm } from './login-storm.ts';
import type { RunningScenario } from './running-scenario.ts';
import type { ScenarioPhase, ScenarioPlan, ScenarioResult } from './scenario.ts';
import { serveScenario } from './serve-scenario.ts';
import { Supernode } from './supernode.ts';

function scenarioOf(
  plan: ScenarioPlan,
  fail: (fault: LoadFault) => void,
): RunningScenario<ScenarioPhase, ScenarioResult> {
  switch (plan.kind) {
    case 'login-storm':
      return new LoginStorm(plan, fail, plan.calls > 0 ? new CallsProcess(plan) : null);
    case 'login-cost':
      return new LoginCost(plan, fail);
    case 'login-flood':
      return new LoginFloodBesideCalls(plan, fail, new CallsProcess({ ...plan, calls: plan.peers / 2 }));
    case 'idle':
      return new Idle(plan, fail);
    case 'supernode':
      return new Supernode(plan, fail);
  }
}

serveScenario(scenarioOf);
