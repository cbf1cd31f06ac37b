/**
 * Runs tasks with tinybench, and around its traps:
 *
 * - `throughput.mean` is a mean of rates, which a few fast iterations pull up: it is not used. A figure here is the
 *   time of all iterations of a slice over the operations in them.
 * - A Bench runs one task to its end before the next, so that a disturbance of seconds hits one variant only: here the
 *   tasks take turns, a slice each, for several passes, every second pass backwards.
 * - A task that throws leaves a result like any other unless one looks: here it is an error.
 * - `async` is told for each task; tinybench would call it once to see.
 * - Its defaults of at least 64 iterations and 250 ms of warm-up would set the time of slow tasks: both are set here.
 * - A Task's result holds getters and prototypes that do not survive IPC: plain numbers are sent.
 *
 * The figure of a task is the median over its passes: a pass that another program disturbed does not count, and,
 * unlike with the best pass, neither does one of unusual luck.
 */
import { Bench, type Task } from 'tinybench';
import { median } from '../machine/middle.ts';
import type { Figures } from '../run/sample.ts';
import type { MicroSample, MicroSuite } from './suite.ts';
import type { MicroTask, OpenSuite, SuiteDefinition, Work } from './task.ts';

export interface MeasureOptions {
  /** Time of one slice of one task, milliseconds; its warm-up before it takes half as long. */
  passMs: number;
  passes: number;
}

interface Entry {
  benchmark: string;
  suite: MicroSuite;
  definition: MicroTask;
  work: Work;
  task: Task;
  nsPerOp: number[];
  operations: number;
}

/** @throws Error that names the task which failed. */
export async function measure(
  suites: readonly { definition: SuiteDefinition; open: OpenSuite }[],
  { passMs, passes }: MeasureOptions,
): Promise<MicroSample[]> {
  const bench = new Bench({
    time: passMs,
    iterations: 1,
    warmupTime: passMs / 2,
    warmupIterations: 1,
    concurrency: null,
    retainSamples: false,
    throws: false,
  });
  const entries = suites.flatMap(({ definition, open }) => entriesOf(bench, definition, open));
  // One pass more than asked for: the first compiles the code.
  for (let pass = 0; pass <= passes; pass++) {
    for (const entry of pass % 2 === 0 ? entries : entries.toReversed()) {
      const figure = await slice(entry);
      if (pass === 0) continue;
      entry.nsPerOp.push(figure.nsPerOp);
      entry.operations += figure.operations;
    }
  }
  const figures = new Map<string, Figures>();
  for (const { benchmark, work } of entries) if (work.figures) figures.set(benchmark, await work.figures());
  return entries.map(({ benchmark, suite, definition, nsPerOp, operations }) => ({
    benchmark,
    suite,
    title: definition.title,
    nsPerOp: median(nsPerOp),
    operations,
    parameters: { ...definition.parameters },
    ...(figures.has(benchmark) && { figures: figures.get(benchmark)! }),
  }));
}

function entriesOf(bench: Bench, definition: SuiteDefinition, open: OpenSuite): Entry[] {
  return Object.entries(definition.tasks).map(([name, task]) => {
    const benchmark = `${definition.suite}/${name}`;
    const work = open.work[name];
    if (!work)
      throw new Error(`The suite ${definition.suite} lists the task "${name}" and does not have it.`);
    bench.add(benchmark, work.iterate, { async: work.async });
    return {
      benchmark,
      suite: definition.suite,
      definition: task,
      work,
      task: bench.getTask(benchmark)!,
      nsPerOp: [],
      operations: 0,
    };
  });
}

/** Warms up first: since the task's last turn, others have had the caches. */
async function slice({ benchmark, definition, work, task }: Entry) {
  task.reset(false);
  await work.begin?.();
  try {
    if (work.async) {
      await task.warmup();
      await task.run();
    } else {
      task.warmupSync();
      task.runSync();
    }
  } finally {
    await work.end?.();
  }
  const { result } = task;
  if (result.state === 'errored') {
    throw new Error(`The benchmark ${benchmark} failed: ${result.error.message}`, { cause: result.error });
  }
  if (result.state !== 'completed') throw new Error(`The benchmark ${benchmark} is ${result.state}.`);
  const operations = task.runs * definition.operations;
  return { operations, nsPerOp: (result.totalTime * 1e6) / operations };
}
