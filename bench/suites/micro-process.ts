/** The process of one micro round: opens the suites it is told, measures them, answers, and ends. */
import { swallowedSoFar } from './blackhole.ts';
import { suitesNamed } from './catalogue.ts';
import { measure } from './measure.ts';
import type { FromMicro, RunMicro } from './micro-messages.ts';
import type { OpenSuite, SuiteDefinition } from './task.ts';

if (!process.send) throw new Error('micro-process is started by a benchmark, not by hand.');

process.once('message', (message: RunMicro) => {
  run(message)
    .catch((error: Error): FromMicro => ({ kind: 'failed', message: error.message }))
    .then((answer) => process.send!(answer, () => process.disconnect()));
});
// A parent that has gone waits for nothing.
process.once('disconnect', () => process.exit());

async function run({ suites, core, loadCore, passMs, passes }: RunMicro): Promise<FromMicro> {
  const opened: { definition: SuiteDefinition; open: OpenSuite }[] = [];
  try {
    for (const definition of suitesNamed(suites)) {
      opened.push({ definition, open: await definition.open({ core, loadCore }) });
    }
    const samples = await measure(opened, { passMs, passes });
    return { kind: 'ran', samples, swallowed: swallowedSoFar() };
  } finally {
    for (const { open } of opened) await open.close();
  }
}
