/** The process of the calls beside a storm of logins. */
import { Calls } from './calls.ts';
import { serveScenario } from './serve-scenario.ts';

serveScenario((plan: ConstructorParameters<typeof Calls>[0], fail) => new Calls(plan, fail));
