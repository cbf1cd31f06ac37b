/** What `supernode replay --json` prints, and what the tables and the page are made of. Types only. */
import type { Criterion } from '../criteria.ts';
import type { Outcome } from '../outcome.ts';
import type { ArmName, ReplayName } from '../plan.ts';
import type { Comparison } from '../real/compare.ts';
import type { TippingPoint } from '../tipping.ts';

export interface Judged {
  outcome: Outcome;
  criteria: Criterion[];
}

export interface Report {
  replay: ReplayName;
  /** Arms that must pass. */
  asked: ArmName[];
  groups: { utilisation: number; arms: Judged[] }[];
  tipping: TippingPoint[];
  /** Real against simulated; empty unless it was asked for. */
  comparisons: (Comparison & { arm: ArmName; utilisation: number })[];
  passed: boolean;
}
