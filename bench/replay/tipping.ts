/**
 * Where an arm tips over: the least trigger that it does not heal from, at its utilisation, and the least utilisation at
 * which it does not heal from the outage as it was. By bisection, with fewer peers.
 */
import { heals } from './criteria.ts';
import { type ArmName, CASCADE, MASS_RESTART, type Plan } from './plan.ts';
import { simulateAwake } from './run.ts';
import { planOf } from './settings.ts';

/** 20,000 peers at relays of 100: 222 relays at 90%. */
export const TIPPING_PEERS = 20_000;
const STEPS = 5;

export interface TippingPoint {
  arm: ArmName;
  utilisation: number;
  peers: number;
  /** Share of the relays that the trigger takes: it heals from the first and not from the second; null: from all of them. */
  relayShare: { heals: number; tips: number | null };
  /** Percent: the same; null: it heals even at 100. */
  utilisationPercent: { heals: number; tips: number | null };
}

/** @param onRun is called before each run. */
export async function tippingPoint(of: Plan, onRun: () => void): Promise<TippingPoint> {
  const peers = Math.min(of.peers, TIPPING_PEERS);
  const at = async (utilisation: number, trigger: number): Promise<boolean> => {
    onRun();
    const { replay, megaPercent: mega, seed, timeScale: scale } = of;
    const plan = planOf({ replay, peers, mega, seed, scale }, of.arm, utilisation);
    return heals(await simulateAwake({ ...plan, trigger }));
  };
  const share = of.replay === 'cascade' ? CASCADE.relayShare : MASS_RESTART.share;
  const trigger = await bisect(0, 1 / share, (factor) => at(of.utilisation, factor));
  const load = await bisect(30, 100, (percent) => at(Math.round(percent), 1));
  return {
    arm: of.arm,
    utilisation: of.utilisation,
    peers,
    relayShare: {
      heals: trigger.heals * share,
      tips: trigger.tips === null ? null : trigger.tips * share,
    },
    utilisationPercent: {
      heals: Math.round(load.heals),
      tips: load.tips === null ? null : Math.round(load.tips),
    },
  };
}

async function bisect(
  low: number,
  high: number,
  isWell: (at: number) => Promise<boolean>,
): Promise<{ heals: number; tips: number | null }> {
  if (await isWell(high)) return { heals: high, tips: null };
  let well = low;
  let ill = high;
  for (let step = 0; step < STEPS; step++) {
    const middle = (well + ill) / 2;
    if (await isWell(middle)) well = middle;
    else ill = middle;
  }
  return { heals: well, tips: ill };
}
