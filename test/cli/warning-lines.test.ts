import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WarningLines } from '../../core/cli/warning-lines.ts';
import { limit } from '../fixtures/limits.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('prints ten warnings in ten seconds, counts the rest, and goes on after that', () => {
  const lines: string[] = [];
  const warnings = new WarningLines((line) => lines.push(line));
  for (let i = 0; i < 1000; i++) warnings.add('some-code', `number ${i}`);
  expect(lines).toHaveLength(10);
  vi.advanceTimersByTime(10_000);
  expect(lines.at(-1)).toContain('990 more');
  warnings.add('some-code', 'again');
  expect(lines.at(-1)).toBe('warning (some-code): again');
  warnings.add('some-code', 'x'.repeat(1_000));
  expect(lines.at(-1)!.length).toBeLessThan(530);
  limit('warnings that start prints').sees();
});

it('makes one line of a warning, without control characters', () => {
  const lines: string[] = [];
  new WarningLines((line) => lines.push(line)).add('some-code', 'two\nlines \u001b[31m\u009bred');
  expect(lines).toEqual(['warning (some-code): two lines  [31m red']);
});
