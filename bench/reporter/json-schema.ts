/** The published schema, made from the one that checks results. Only the script and the test import this file. */
import { toJsonSchema } from '@valibot/to-json-schema';
import { RESULT_VERSION, ResultSchema } from './result.ts';

export const SCHEMA_ID = `urn:supernode:bench-result:v${RESULT_VERSION}`;

type Node = { [key: string]: unknown; properties?: Record<string, Node>; items?: Node };

/** What a reader of the schema alone needs; keys are paths of properties, `[]` an item, `*` any key. */
const DESCRIPTIONS: Record<string, string> = {
  kind: 'Tells a result file from any other JSON.',
  version: 'Of this schema; raised when a reader of an earlier version would misread a file.',
  mode: 'custom: flags chose suites, profiles or peers.',
  suiteHash: 'SHA-256 of what was measured; results with different hashes are not compared.',
  fingerprint: 'The machine and the software.',
  'fingerprint.cores': 'Core numbers; null where processes could not be pinned.',
  'fingerprint.virtualMachine': '"none" on bare metal; null when it cannot be told.',
  'fingerprint.container': '"none" outside a container; null when it cannot be told.',
  'fingerprint.dirty': 'Whether files were changed since the commit.',
  calibration: 'What the machine does, to explain a difference between two of them.',
  'calibration.singleThread': "Integer and float work of one thread on the relay's core.",
  'calibration.memoryBandwidth': 'Copying between two large buffers.',
  'calibration.loopback': 'TCP round trips of one byte over loopback, both ends in one thread.',
  'calibration.threadWake': "From a MessagePort post to the other thread's handler, and back.",
  settings: 'The configuration as it was resolved, and the flags.',
  systems: 'What was measured, by id.',
  cases: 'A benchmark on a system each; ids are unique.',
  'cases[].id': '<benchmark>@<system>',
  'cases[].benchmark': 'The question; the same for every system.',
  'cases[].profile': 'The shape of the load; null for a micro-benchmark.',
  'cases[].rounds': 'Each is a run in processes of its own, so rounds are independent.',
  'cases[].rounds[].atMs': 'Since the run began.',
  'cases[].rounds[].speed':
    "Of the relay's core around the round; 1 = the machine for which supernode publishes its figures.",
  'cases[].rounds[].loadCpuShare': 'CPU time over wall time of the busiest load process; 1 = one core.',
  'cases[].rounds[].othersCpuShare': 'Time of the measured cores that went to other programs.',
  'cases[].metrics': 'Exactly one is primary.',
  'cases[].metrics[].samples': 'One for each round, in their order.',
  'cases[].latency': 'Milliseconds, merged over the rounds.',
  'cases[].latency.from':
    'intended: from when a packet was due (open loop); sent: from when it was sent (closed loop).',
  'cases[].latency.percentiles': '[share of packets, milliseconds], rising.',
  'cases[].latency.histogram': 'HdrHistogram, V2 compressed, base64, in microseconds.',
  ratios: 'How many times the figure of `of` is that of `to`, with the interval of its error.',
  missing: 'Systems that were asked for and are not on the machine.',
  warnings: 'What makes a figure doubtful, each with what to do about it.',
};

function at(root: Node, path: string): Node | undefined {
  let node: Node | undefined = root;
  for (const part of path.split('.')) {
    const [name, ...items] = part.split('[]');
    node = inside(node)?.properties?.[name!];
    for (let depth = 0; depth < items.length; depth++) node = inside(node)?.items;
  }
  return node;
}

/** The object in `object | null`. */
function inside(node: Node | undefined): Node | undefined {
  const either = node?.['anyOf'] as Node[] | undefined;
  return either?.find((one) => one.properties || one.items) ?? node;
}

/** The text of `result.schema.json` (JSON Schema, draft 7). JSON has no number that is not finite. */
export function resultSchemaText(): string {
  const { $schema, ...schema } = toJsonSchema(ResultSchema, { ignoreActions: ['finite'] }) as Node;
  for (const [path, description] of Object.entries(DESCRIPTIONS)) {
    const node = at(schema, path);
    if (!node) throw new Error(`The schema has nothing at "${path}".`);
    node['description'] = description;
  }
  const whole = {
    $schema,
    $id: SCHEMA_ID,
    title: 'Result of a run of the supernode benchmarks',
    description: `Version ${RESULT_VERSION}. Made from bench/reporter/result.ts by write-schema.ts.`,
    ...schema,
  };
  return `${JSON.stringify(whole, null, 2)}\n`;
}
