import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseResult } from '../../../bench/reporter/index.ts';
import { resultSchemaText, SCHEMA_ID } from '../../../bench/reporter/json-schema.ts';
import { exampleResult } from './fixtures/example-result.ts';
import { minimalResult } from './fixtures/minimal-result.ts';

const published: { $id: string } = JSON.parse(
  readFileSync(new URL('../../../bench/reporter/result.schema.json', import.meta.url), 'utf8'),
);

describe('the published schema', () => {
  let valid: (value: unknown) => boolean;

  beforeAll(() => {
    valid = new Ajv({ strict: true, allowUnionTypes: true, formats: { 'date-time': true } }).compile(
      published,
    );
  });

  it('is the one that is made from the types: run `npm run schema -w benchmark-reporter` when it is not', () => {
    expect(published).toEqual(JSON.parse(resultSchemaText()));
    expect(published.$id).toBe(SCHEMA_ID);
  });

  it('takes results', () => {
    expect(valid(JSON.parse(JSON.stringify(exampleResult())))).toBe(true);
    expect(valid(minimalResult())).toBe(true);
  });

  it('refuses what parseResult refuses', () => {
    const good = minimalResult();
    const bad: unknown[] = [
      { ...good, kind: 'other' },
      { ...good, suiteHash: 'short' },
      { ...good, more: true },
      { ...good, cases: [{ ...good.cases[0], id: ' bad name' }] },
      { ...good, cases: [{ ...good.cases[0], rounds: [] }] },
      { ...good, warnings: [{ code: 'unheard-of', case: null, text: '' }] },
      { ...good, calibration: { ...good.calibration, loopback: undefined } },
      {
        ...good,
        ratios: [
          {
            benchmark: 'a',
            metric: 'b',
            of: 'c',
            to: 'd',
            better: 'lower',
            ratio: 0,
            low: 0,
            high: 1,
            confidence: 0.95,
          },
        ],
      },
    ];
    for (const value of bad) {
      expect(valid(JSON.parse(JSON.stringify(value)))).toBe(false);
      expect(() => parseResult(value)).toThrow();
    }
  });
});
