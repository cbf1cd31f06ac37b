/** When a difference is called. See `options.ts` for the figures, `README.md` for the reasons. */
import { mannWhitney } from '../statistics/rank-sum.ts';
import { ratioOf } from '../statistics/ratio.ts';
import type { Verdict, View } from './comparison.ts';
import type { Lens, Rule } from './options.ts';

/** `verdict` and `adjustedP` are set when the whole family is known. */
export function view(base: readonly number[], other: readonly number[], rule: Rule): View | null {
  const estimate = ratioOf(other, base, rule.confidence);
  if (!estimate) return null;
  return { ...estimate, p: mannWhitney(base, other).p, adjustedP: 1, verdict: '~' };
}

/** By one lens alone: significant in its family, and an interval that lies beyond the noise. */
export function verdictOf(seen: View, rule: Rule): Verdict {
  if (seen.adjustedP >= rule.alpha) return '~';
  if (seen.low > 1 + rule.noise) return 'better';
  return seen.high < 1 / (1 + rule.noise) ? 'worse' : '~';
}

/** Which side of 1 a lens is on with its whole interval, by more than the noise in the middle; `~`: neither. */
function side({ ratio, low, high }: View, rule: Rule): Verdict {
  if (low > 1 && ratio > 1 + rule.noise) return 'better';
  return high < 1 && ratio < 1 / (1 + rule.noise) ? 'worse' : '~';
}

/**
 * Between machines of different kinds the raw figures decide. On one kind of machine its speed still drifts, by more
 * than what is looked for, and each lens that takes the drift out adds an error of its own: so one must see the difference
 * beyond doubt, and all must have it on the same side.
 */
export function call(views: Record<Lens, View | null>, sameMachine: boolean, rule: Rule): Verdict {
  if (!sameMachine) return views.raw?.verdict ?? '~';
  // Bytes and the like have one view only: it does not depend on the machine's speed.
  const seen = rule.lenses.flatMap((lens) => views[lens] ?? []);
  const verdict = seen.find((one) => one.verdict !== '~')?.verdict ?? '~';
  return seen.every((one) => side(one, rule) === verdict) ? verdict : '~';
}
