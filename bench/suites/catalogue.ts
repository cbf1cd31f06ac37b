/** The suites by name, and what they would measure. */
import { OptionError } from '../../core/protocol/errors.ts';
import type { MetricName } from '../run/metrics.ts';
import { directorySuite } from './directory.ts';
import { directoryMillionSuite } from './directory-million.ts';
import { frameSuite } from './frame.ts';
import { loginSuite } from './login.ts';
import { outboxSuite } from './outbox.ts';
import { presenceSuite } from './presence.ts';
import { presenceMillionSuite } from './presence-million.ts';
import { relayLatencySuite, relayThroughputSuite } from './relay.ts';
import { ringSuite } from './ring.ts';
import { MICRO_SUITES, type MicroSuite } from './suite.ts';
import type { SuiteDefinition } from './task.ts';

const DEFINITIONS: readonly SuiteDefinition[] = [
  frameSuite,
  ringSuite,
  presenceSuite,
  outboxSuite,
  loginSuite,
  presenceMillionSuite,
  directorySuite,
  directoryMillionSuite,
  relayThroughputSuite,
  relayLatencySuite,
];

export interface MicroBenchmark {
  /** `<suite>/<task>`. */
  benchmark: string;
  suite: MicroSuite;
  title: string;
  parameters: Record<string, string | number | boolean>;
  metrics: readonly MetricName[];
}

/** @throws OptionError for a name that is none; the message lists those that are. */
export function suitesNamed(names: readonly string[]): SuiteDefinition[] {
  return names.map((name) => {
    const definition = DEFINITIONS.find(({ suite }) => suite === name);
    if (!definition)
      throw new OptionError(`There is no micro suite "${name}"; there are: ${MICRO_SUITES.join(', ')}.`);
    return definition;
  });
}

/** What a round of these suites measures, without running it. @throws OptionError for a name that is none. */
export function microBenchmarks(names: readonly string[] = MICRO_SUITES): MicroBenchmark[] {
  return suitesNamed(names).flatMap(({ suite, tasks }) =>
    Object.entries(tasks).map(([task, { title, parameters, alsoMeasured = [] }]) => ({
      benchmark: `${suite}/${task}`,
      suite,
      title,
      parameters: { ...parameters },
      metrics: ['timePerOp', ...alsoMeasured],
    })),
  );
}
