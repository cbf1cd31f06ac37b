import type { Comparison } from '../compare/comparison.ts';
import type { Result } from '../result.ts';

/** As `result.schema.json` describes it, with a line end. */
export function resultToJson(result: Result): string {
  return `${JSON.stringify(result, null, 2)}\n`;
}

export function comparisonToJson(comparison: Comparison): string {
  return `${JSON.stringify(comparison, null, 2)}\n`;
}
