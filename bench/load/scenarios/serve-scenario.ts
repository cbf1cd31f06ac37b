/** Serves one scenario after the other to the process that started this one, over IPC, and ends with it. */
import { OptionError } from '../../../core/protocol/errors.ts';
import type { LoadFault } from '../fault.ts';
import { faultOf } from './deadline.ts';
import type { FromProcess, RunningScenario, ToProcess } from './running-scenario.ts';

type Make<Plan, Phase, Result> = (
  plan: Plan,
  fail: (fault: LoadFault) => void,
) => RunningScenario<Phase, Result>;

class ScenarioServer<Plan, Phase, Result> {
  readonly #make: Make<Plan, Phase, Result>;
  #scenario: RunningScenario<Phase, Result> | null = null;
  #ended = false;

  constructor(make: Make<Plan, Phase, Result>) {
    this.#make = make;
  }

  readonly fail = (fault: LoadFault): void => {
    this.#tellLast({ kind: 'failed', fault: fault.fault, message: fault.message }, 1);
  };

  async obey(message: ToProcess<Plan, Phase>): Promise<void> {
    switch (message.kind) {
      case 'connect':
        return this.#connect(message.plan);
      case 'run': {
        const result = await this.#running().run(message.phase, () => this.#tell({ kind: 'measuring' }));
        this.#tell({ kind: 'measured', result });
        return;
      }
      case 'disconnect':
        await this.#running().stop();
        this.#scenario = null;
        this.#tell({ kind: 'disconnected' });
        return;
      case 'stop':
        this.#tellLast({ kind: 'stopped', ...(await this.#running().stop()) }, 0);
        return;
    }
  }

  abandon(): void {
    this.#ended = true;
    this.#scenario?.abandon();
  }

  async #connect(plan: Plan): Promise<void> {
    if (this.#scenario) throw new OptionError('There is a scenario already: disconnect comes first.');
    const startedAtMs = performance.now();
    this.#scenario = this.#make(plan, this.fail);
    const peers = await this.#scenario.connect();
    this.#tell({ kind: 'connected', elapsedMs: performance.now() - startedAtMs, peers });
  }

  #running(): RunningScenario<Phase, Result> {
    if (!this.#scenario) throw new OptionError('There is no scenario: connect comes first.');
    return this.#scenario;
  }

  #tell(message: FromProcess<Result>): void {
    if (!this.#ended && process.connected) process.send!(message);
  }

  /** The last message, and the end of this process once it is on its way. */
  #tellLast(message: FromProcess<Result>, exitCode: number): void {
    if (this.#ended) return;
    this.abandon();
    if (process.connected) process.send!(message, () => process.exit(exitCode));
    else process.exit(exitCode);
  }
}

/** Messages are obeyed one after the other, in the order in which they come. */
export function serveScenario<Plan, Phase, Result>(make: Make<Plan, Phase, Result>): void {
  if (!process.send) throw new Error('This process is started by a benchmark, not by hand.');
  const server = new ScenarioServer(make);
  let last = Promise.resolve();
  process.on('message', (message: ToProcess<Plan, Phase>) => {
    last = last.then(() => server.obey(message)).catch((error) => server.fail(faultOf(error)));
  });
  process.once('disconnect', () => {
    server.abandon();
    process.exit(0);
  });
}
