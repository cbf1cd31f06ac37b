/** The load in a process of its own: carries out `ToLoad` and answers with `FromLoad` (plan.ts). */
import { loadDialect } from './dialects.ts';
import { Engine } from './engine.ts';
import { LoadFault } from './fault.ts';
import type { FromLoad, ToLoad } from './plan.ts';
import { checkPhase, checkPlan } from './plan-check.ts';

if (!process.send) throw new Error('load-process is started by a benchmark, not by hand.');

let engine: Engine | null = null;
let ended = false;
/** Messages are carried out one after the other. */
let last: Promise<void> = Promise.resolve();

function tell(message: FromLoad): void {
  if (!ended && process.connected) process.send!(message);
}

function fail(error: unknown): void {
  if (ended) return;
  const fault = error instanceof LoadFault ? error.fault : 'broken';
  const message: FromLoad = { kind: 'failed', fault, message: (error as Error).message };
  ended = true;
  engine?.destroy();
  process.exitCode = 1;
  process.send!(message, () => process.exit(1));
}

async function carryOut(order: ToLoad): Promise<void> {
  if (order.kind === 'connect') {
    if (engine !== null) throw new Error('A load process connects once.');
    const startedAt = performance.now();
    checkPlan(order.plan);
    engine = new Engine(order.plan, await loadDialect(order.plan.dialect), fail);
    await engine.connect();
    tell({ kind: 'connected', elapsedMs: performance.now() - startedAt });
    return;
  }
  if (engine === null) throw new Error(`A load process was told to "${order.kind}" before "connect".`);
  if (order.kind === 'run') {
    checkPhase(order.phase);
    tell(await engine.run(order.phase, () => tell({ kind: 'measuring' })));
    await engine.settle();
    return;
  }
  tell({ kind: 'stopped', ...(await engine.stop()) });
  process.disconnect();
}

// Also when the benchmark itself was ended: nobody is left to report to.
process.once('disconnect', () => process.exit());
process.on('message', (order: ToLoad) => {
  last = last.then(() => (ended ? undefined : carryOut(order))).catch(fail);
});
process.once('uncaughtException', fail);
