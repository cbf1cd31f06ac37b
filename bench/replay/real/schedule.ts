/** When the trigger ends relays, and when they come back: in replay milliseconds, drawn before the replay begins. */
import { Draws } from '../../load/scenarios/draws.ts';
import { BASELINE_MS, CASCADE, MASS_RESTART, MEGA, type Plan, REQUALIFY_MS, WATCH_MS } from '../plan.ts';

export interface RelayOutage {
  relay: number;
  downAtMs: number;
  upAtMs: number;
}

export interface Schedule {
  triggerMs: number;
  /** The store is slow from the trigger until then; null: it never is. */
  storeUntilMs: number | null;
  outages: RelayOutage[];
  megasAtMs: number | null;
  /** The last restart of a client, or the store is quick again. */
  triggerEndMs: number;
  endMs: number;
}

/** A relay of the cascade that came back too early has served for so long when it crashes again (a). */
const AGAIN_MS = { least: 60_000, most: 120_000 } as const;

export function scheduleOf(plan: Plan): Schedule {
  const draws = new Draws(plan.seed);
  const within = ({ least, most }: { least: number; most: number }): number =>
    least + draws.uniform() * (most - least);
  const isCascade = plan.replay === 'cascade';
  const share = (isCascade ? CASCADE.relayShare : MASS_RESTART.share) * plan.trigger;
  const spreadMs = isCascade ? CASCADE.crashWithinMs : MASS_RESTART.withinMs;
  const storeUntilMs = isCascade ? BASELINE_MS + CASCADE.triggerMs : null;
  const outages: RelayOutage[] = [];
  const count = Math.min(plan.relays, Math.max(1, Math.round(plan.relays * share)));
  const order = shuffled(plan.relays, draws);
  order.slice(0, count).forEach((relay, k) => {
    let downAtMs = BASELINE_MS + (spreadMs * (k + 0.5)) / count;
    for (;;) {
      const upAtMs = downAtMs + within(REQUALIFY_MS);
      outages.push({ relay, downAtMs, upAtMs });
      if (storeUntilMs === null || upAtMs > storeUntilMs || !draws.chance(CASCADE.crashAgain)) break;
      downAtMs = upAtMs + within(AGAIN_MS);
    }
  });
  const triggerEndMs = storeUntilMs ?? BASELINE_MS + MASS_RESTART.withinMs;
  return {
    triggerMs: BASELINE_MS,
    storeUntilMs,
    outages,
    megasAtMs: plan.megaPercent === 0 ? null : BASELINE_MS + MEGA.afterMs,
    triggerEndMs,
    endMs: triggerEndMs + WATCH_MS,
  };
}

function shuffled(count: number, draws: Draws): number[] {
  const all = Array.from({ length: count }, (_, index) => index);
  for (let at = count - 1; at > 0; at--) {
    const other = draws.below(at + 1);
    [all[at], all[other]] = [all[other]!, all[at]!];
  }
  return all;
}
