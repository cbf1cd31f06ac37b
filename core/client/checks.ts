/** Checks of what an application passes in, shared by all parts of the client. */
import { OptionError } from '../protocol/errors.ts';

/** @throws OptionError unless it is a whole number of `least` to `most`. */
export function checkNumber(name: string, value: unknown, least: number, most: number): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw new OptionError(`${name} must be a whole number from ${least} to ${most}, not ${shown(value)}.`);
}

/** Bytes of the text in UTF-8. */
export function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** The value as an error message shows it. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? `"${value}"` : String(value);
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}
