/** What about a run makes a figure less than it seems: each in a sentence, with what to do about it. */
import type { Case, Missing, Warning, WarningCode } from '../reporter/index.ts';
import { median } from '../reporter/index.ts';
import { caseId } from './plan.ts';
import type { Sample } from './sample.ts';
import { REACHED_SHARE } from './search.ts';

/** From here on the load, not the relay, may have set the pace. */
const LOAD_SATURATED = 0.95;
/** Above it what other programs did on the measured cores is more than the kernel's own work. */
const DISTURBED = 0.1;
/** Below it a relay under a closed loop was waiting for something else than its core. */
const RELAY_IDLE = 0.9;
/** With fewer no test can tell a difference: with 4 and 4 the smallest p is 0.03. */
const FEW_ROUNDS = 4;

export function caseWarnings(cases: readonly Case[], samples: readonly Sample[]): Warning[] {
  return cases.flatMap((one) => {
    const rounds = samples.filter(({ benchmark, system }) => caseId(benchmark, system) === one.id);
    return warningsOf(one, rounds).map(([code, text]) => ({ code, case: one.id, text }));
  });
}

function warningsOf(
  { metrics, parameters, rounds }: Case,
  samples: readonly Sample[],
): [WarningCode, string][] {
  const warnings: [WarningCode, string][] = [];
  const load = medianOf(rounds.map(({ loadCpuShare }) => loadCpuShare));
  const others = medianOf(rounds.map(({ othersCpuShare }) => othersCpuShare));
  const relay = metrics.find(({ name }) => name === 'relayCpuShare');
  const arrived = medianOf(samples.map(({ arrivedShare }) => arrivedShare));
  if (others !== null && others > DISTURBED) {
    warnings.push([
      'machine-disturbed',
      `Other programs took ${percent(others)} of a measured core: repeat on a quiet machine.`,
    ]);
  } else if (load !== null && load > LOAD_SATURATED) {
    warnings.push([
      'load-saturated',
      `The load used ${percent(load)} of its core, so the relay may be faster than this: its CPU time per frame tells more.`,
    ]);
  } else if (parameters['loop'] === 'closed' && relay && median(relay.samples) < RELAY_IDLE) {
    warnings.push([
      'relay-idle',
      `The relay used only ${percent(median(relay.samples))} of its core: its CPU time per frame tells more.`,
    ]);
  }
  if (arrived !== null && arrived < REACHED_SHARE) {
    warnings.push([
      'rate-not-reached',
      `Only ${percent(arrived)} of the packets that were due arrived in time: this rate is more than was carried.`,
    ]);
  }
  return warnings;
}

/** One for the whole run: most cases of a run that has few rounds have few. */
export function fewRounds(cases: readonly Case[]): Warning[] {
  const few = cases.filter(({ rounds }) => rounds.length < FEW_ROUNDS);
  if (few.length === 0) return [];
  const named = few.slice(0, 3).map(({ id }) => id);
  const more = few.length > named.length ? ` and ${few.length - named.length} more` : '';
  return [
    {
      code: 'few-rounds',
      case: null,
      text: `Fewer than ${FEW_ROUNDS} rounds cannot tell a difference from chance, in ${named.join(', ')}${more}: use --rounds ${2 * FEW_ROUNDS}.`,
    },
  ];
}

export function missingWarnings(missing: readonly Missing[]): Warning[] {
  return missing.map(({ system, why, install }) => ({
    code: 'system-missing',
    case: null,
    text: `Not compared with ${system}: ${sentence(why)} To install it: ${install}`,
  }));
}

export function rivalFailed(id: string, message: string): Warning {
  return { code: 'system-missing', case: null, text: `${id} was left out: ${message}` };
}

export function planted(what: string): Warning {
  return {
    code: 'planted',
    case: null,
    text: `In the relay of this run ${what}: its figures are a test of the benchmarks.`,
  };
}

function medianOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : median(known);
}

function sentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)}%`;
}
