/** When a difference is called. See `options.ts` for the figures, `README.md` for the reasons. */
import { mannWhitney } from '../statistics/rank-sum.ts';
import { ratioOf } from '../statistics/ratio.ts';
import type { Verdict, View } from './comparison.ts';
import { LENSES, type Lens, type Rule } from './options.ts';

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

/** Without any doubt about noise: which side of 1 the ratio is on. */
function leans({ ratio }: View): Verdict {
  if (ratio === 1) return '~';
  return ratio > 1 ? 'better' : 'worse';
}

/**
 * Between machines of different kinds the raw figures decide. On one kind of machine its speed still drifts, by more
 * than what is looked for: so the views that take the drift out must agree. And the raw one must lean their way: where it does
 * not, they made the difference, by correcting for a speed that this benchmark does not follow as closely.
 */
export function call(views: Record<Lens, View | null>, sameMachine: boolean, rule: Rule): Verdict {
  if (!sameMachine) return views.raw?.verdict ?? '~';
  const seen = LENSES.flatMap((lens) => views[lens] ?? []);
  for (const verdict of ['better', 'worse'] as const) {
    const required = rule.required.every((lens) => !views[lens] || views[lens].verdict === verdict);
    const agreeing = seen.filter((one) => one.verdict === verdict).length;
    const against = seen.some((one) => leans(one) !== verdict);
    // Bytes and the like have one view only: it does not depend on the machine's speed.
    if (required && agreeing >= Math.min(rule.lensesToAgree, seen.length) && agreeing > 0 && !against) {
      return verdict;
    }
  }
  return '~';
}
