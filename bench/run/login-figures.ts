/** Figures of the two scenarios of logins: what one costs, and what a flood of them does to calls. */
import type { LoginCostResult, LoginFloodResult, OperationResult } from '../load/scenarios/scenario.ts';
import { merge, msAt } from './histograms.ts';
import type { Figures, Sample } from './sample.ts';

export function costFigures({ login, refused }: LoginCostResult, relayCpuShare: number): Figures {
  return {
    loginsPerSec: login.perSec,
    ...(login.perSec > 0 && { cpuPerLogin: (relayCpuShare * 1e6) / login.perSec }),
    loginsRefused: sumOf(refused),
  };
}

/**
 * Adds what takes two steps of a round, or the signatures of the same core: a login with a signature over the signature
 * alone, and one with a ticket over one with a signature that is measured as it is.
 */
export function addShares(samples: readonly Sample[], signaturesPerSec: number): void {
  const costOf = (step: string): number | undefined =>
    samples.find(({ benchmark }) => benchmark.id.includes(`/${step}/`))?.figures.cpuPerLogin;
  for (const { figures } of samples) figures.signaturesPerSec = signaturesPerSec;
  for (const stay of ['', '-stay']) {
    const signature = costOf(`signature${stay}`);
    if (!signature) continue;
    for (const { benchmark, figures } of samples) {
      const is = (proof: string): boolean => benchmark.id.includes(`/${proof}${stay}/`);
      if (is('signature')) figures.signatureShare = 1e6 / signature / signaturesPerSec;
      const cost = figures.cpuPerLogin;
      if (is('early') && cost) figures.overSignature = signature / cost;
    }
  }
}

/** All turns together: a packet of the calls that was lost is among `drops`. */
export function floodFigures(result: LoginFloodResult, drops: number): Figures {
  const quiet = p99(result.quiet);
  const flood = p99(result.flood);
  const lost = [...result.quiet, ...result.flood].reduce((sum, { lost }) => sum + lost, 0);
  return {
    drops: drops + lost,
    loginsPerSec: result.capacityPerSec,
    loginsRefused: sumOf(result.refused),
    ...(quiet !== null && { quietAudioP99: quiet }),
    ...(flood !== null && { audioP99: flood }),
    ...(quiet && flood !== null && { floodOverQuiet: flood / quiet }),
    ...(result.capacityPerSec > 0 && { offeredOverCapacity: result.offeredPerSec / result.capacityPerSec }),
  };
}

function p99(results: readonly OperationResult[]): number | null {
  const merged = merge(results.map(({ histogram }) => histogram));
  return merged.totalCount === 0 ? null : msAt(merged, 0.99);
}

function sumOf(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
