/** Sentences and figures that the terminal and the page share. */
import { formatNumber } from '../../reporter/formats/figures.ts';
import { firstAt } from '../criteria.ts';
import type { TippingPoint } from '../tipping.ts';
import type { Report } from './report.ts';

export const SUMMARY_HEAD = [
  'arm',
  'passed',
  'least online',
  'online in the end',
  'exits',
  'attempts/s, most',
  'load in the end',
];

/** One line of the table of arms. */
export function summaryOf({ outcome, criteria }: Report['groups'][number]['arms'][number]): string[] {
  const { plan, series, moments, exits } = outcome;
  const since = firstAt(series, moments.triggerMs);
  const judged = criteria.filter(({ number, passed }) => number < 9 && passed !== null);
  const passed = judged.filter((one) => one.passed === true).length;
  return [
    plan.arm,
    `${passed} of ${judged.length}`,
    percent(Math.min(...series.online.slice(since)) / plan.peers),
    percent(series.online.at(-1)! / plan.peers),
    String(exits),
    formatNumber(Math.max(...series.attemptsPerSec.slice(since))),
    series.offeredLoad.at(-1)!.toFixed(2),
  ];
}

export function titleOf({ groups, replay }: Report): string {
  const year = replay === 'cascade' ? 'December 2010' : 'August 2007';
  const { form, plan } = groups[0]!.arms[0]!.outcome;
  const scale = plan.timeScale === 1 ? '' : `, ${plan.timeScale} times as fast`;
  const mega = plan.megaPercent === 0 ? '' : `, ${plan.megaPercent}% mega-supernodes after an hour`;
  return `${replay} (${year}), ${form}: ${plan.peers} peers, seed ${plan.seed}${scale}${mega}`;
}

export function groupTitle({ utilisation, arms }: Report['groups'][number]): string {
  const { relays, relayPeers } = arms[0]!.outcome.plan;
  return `${utilisation}% utilised: ${relays} relays of ${relayPeers} peers`;
}

export function tippingText(of: TippingPoint): string {
  const { arm, utilisation, peers, relayShare, utilisationPercent } = of;
  const share =
    relayShare.tips === null
      ? 'it heals even when the trigger takes all relays'
      : `it heals when the trigger takes ${percent(relayShare.heals)} of the relays, and not at ${percent(relayShare.tips)}`;
  const load =
    utilisationPercent.tips === null
      ? 'at any utilisation up to 100%'
      : `at ${utilisationPercent.heals}% utilisation and not at ${utilisationPercent.tips}%`;
  return `${arm}, ${peers} peers: at ${utilisation}% ${share}; from the outage as it was it heals ${load}`;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}

/** A criterion in one word. */
export function verdict(passed: boolean | null): string {
  return passed === null ? '-' : passed ? 'passed' : 'FAILED';
}
