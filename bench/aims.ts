/** What figures the relay is to reach. A run that measures one prints it beside its aim. */
import { formatFigure } from './reporter/formats/figures.ts';
import { median, type Result } from './reporter/index.ts';

export interface Aim {
  benchmark: string;
  metric: string;
  /** Added to the metric: memory is of two kinds. */
  and?: string;
  what: string;
  /** The aim, in the metric's unit. */
  most?: number;
  least?: number;
  /** For what is not yet the figure: nanoseconds of an operation become operations a second. */
  perSec?: true;
}

const MIB = 1024 * 1024;

export const AIMS: readonly Aim[] = [
  {
    ...{ benchmark: 'presence-million/hit', metric: 'timePerOp', perSec: true, least: 2_000_000 },
    what: 'find a peer among a million, the table alone',
  },
  {
    ...{ benchmark: 'directory/online', metric: 'timePerOp', perSec: true, least: 200_000 },
    what: 'look up peers that are online, over the wire',
  },
  {
    ...{ benchmark: 'directory-million/open', metric: 'timePerOp', most: 1e9 },
    what: 'open a store of a million records',
  },
  {
    ...{ benchmark: 'directory-million/cold', metric: 'latencyP99', most: 1 },
    what: 'look up a record that the relay does not have, p99',
  },
  {
    ...{ benchmark: 'directory-million/evicted', metric: 'latencyP99', most: 1 },
    what: 'the same, when it must come from the disk, p99',
  },
  {
    ...{ benchmark: 'directory-million/cold', metric: 'residentAnon', most: 200 * MIB },
    what: 'memory with a million records, of the relay itself',
  },
  {
    ...{ benchmark: 'directory-million/cold', metric: 'residentAnon', and: 'residentFile', most: 200 * MIB },
    what: "the same with the store's pages that were read",
  },
  {
    ...{ benchmark: 'scenario/login-cost/signature-stay/p100', metric: 'signatureShare', least: 0.6 },
    what: 'full logins of a CPU second over its signatures',
  },
  {
    ...{ benchmark: 'scenario/login-cost/signature/p100', metric: 'signatureShare', least: 0.6 },
    what: 'full logins of a CPU second over its signatures, when each leaves again',
  },
  {
    ...{ benchmark: 'scenario/login-cost/early-stay/p100', metric: 'overSignature', least: 3 },
    what: 'resumes of a CPU second over its full logins',
  },
  {
    ...{ benchmark: 'scenario/login-cost/early/p100', metric: 'overSignature', least: 3 },
    what: 'resumes of a CPU second over its full logins, when each leaves again',
  },
  {
    ...{ benchmark: 'scenario/login-flood/closed/p100', metric: 'floodOverQuiet', most: 3 },
    what: 'p99 of calls beside logins of one core, over quiet',
  },
  {
    ...{ benchmark: 'scenario/login-flood/waves/p100', metric: 'floodOverQuiet', most: 3 },
    what: 'p99 of calls beside waves of proofs, over quiet',
  },
];

/** A line for each aim that the result has a figure for; empty without one. */
export function aimsText({ cases }: Pick<Result, 'cases'>, aims: readonly Aim[] = AIMS): string {
  const lines = aims.flatMap((aim) => {
    const one = cases.find(({ benchmark, system }) => benchmark === aim.benchmark && system === 'supernode');
    const metrics = [aim.metric, ...(aim.and ? [aim.and] : [])].map((name) =>
      one?.metrics.find((metric) => metric.name === name),
    );
    if (metrics.some((metric) => metric === undefined)) return [];
    const measured = metrics.reduce((sum, metric) => sum + median(metric!.samples), 0);
    const figure = aim.perSec ? 1e9 / measured : measured;
    const unit = aim.perSec ? '/s' : metrics[0]!.unit === 'ratio' ? '' : metrics[0]!.unit;
    const bound = (aim.most ?? aim.least)!;
    const isMet = aim.most === undefined ? figure >= bound : figure <= bound;
    const sign = aim.most === undefined ? 'at least' : 'at most';
    const shown = [figure, bound].map((value) =>
      formatFigure(value, unit).replace(' /', '/').replace(/\/op$/, ''),
    );
    return [`${isMet ? 'met   ' : 'missed'}  ${aim.what}: ${shown[0]}, ${sign} ${shown[1]}`];
  });
  return lines.length === 0 ? '' : `aims\n${lines.map((line) => `  ${line}\n`).join('')}`;
}
