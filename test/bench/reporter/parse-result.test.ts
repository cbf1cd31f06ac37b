import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_FILE_BYTES, parseResult, ReporterError, readResultFile } from '../../../bench/reporter/index.ts';
import { exampleResult } from './fixtures/example-result.ts';
import { caseOf, metric, minimalResult } from './fixtures/minimal-result.ts';

const READ = metric('timePerOp', 'ns/op', [50, 51, 49]);

function refusal(value: unknown): string {
  try {
    parseResult(value);
  } catch (error) {
    expect(error).toBeInstanceOf(ReporterError);
    return (error as ReporterError).message;
  }
  throw new Error('It was taken.');
}

describe('parsing a result', () => {
  it('takes what a run writes, through JSON', () => {
    const result = exampleResult();
    expect(parseResult(JSON.parse(JSON.stringify(result)))).toEqual(result);
  });

  it('says what kind it is not', () => {
    expect(refusal(null)).toBe('A result is an object of kind "supernode-bench-result", not null.');
    expect(refusal({ kind: 'other' })).toBe('A result is of kind "supernode-bench-result", not "other".');
    expect(refusal([])).toContain('not []');
  });

  it('says that a newer version needs a newer reader', () => {
    expect(refusal({ ...minimalResult(), version: 2 })).toMatch(
      /version 2, and this reporter reads up to 1: update/,
    );
  });

  it('names the place of the first fault', () => {
    const bad = caseOf('frame/read', 'supernode', [{ ...READ, samples: [1, Number.NaN, 2] }]);
    expect(refusal(minimalResult({ cases: [bad] }))).toMatch(/^cases\.0\.metrics\.0\.samples\.1: .*NaN/);
    expect(refusal({ ...minimalResult(), suiteHash: 'x' })).toMatch(/^suiteHash: /);
    expect(refusal({ ...minimalResult(), more: 1 })).toMatch(/^more: /);
    expect(refusal({ ...minimalResult(), mode: 'x'.repeat(1e6) }).length).toBeLessThan(300);
  });

  it('checks what a schema cannot: ids, primary metrics, samples and rounds', () => {
    const one = caseOf('frame/read', 'supernode', [READ]);
    const second = { ...READ, name: 'other' };
    expect(refusal(minimalResult({ cases: [one, one] }))).toBe('Case "frame/read@supernode" is there twice.');
    expect(refusal(minimalResult({ cases: [{ ...one, id: 'frame/x@supernode' }] }))).toContain(
      'must be named',
    );
    const withMetrics = (metrics: (typeof READ)[]) => minimalResult({ cases: [{ ...one, metrics }] });
    expect(refusal(withMetrics([READ, second]))).toContain('has 2 primary metrics');
    expect(refusal(withMetrics([{ ...READ, primary: false }]))).toContain('has 0 primary metrics');
    expect(refusal(withMetrics([READ, { ...READ, primary: false }]))).toContain(
      'has metric "timePerOp" twice',
    );
    expect(refusal(withMetrics([{ ...READ, samples: [1, 2] }]))).toContain('has 2 samples for 3 rounds');
    const many = caseOf('frame/read', 'supernode', [{ ...READ, samples: new Array<number>(1001).fill(1) }]);
    expect(refusal(minimalResult({ cases: [many] }))).toContain('the most is 1000');
  });

  it('throws nothing but its own error, whatever it is given', () => {
    const thrower = (value: unknown) => {
      try {
        parseResult(value);
      } catch (error) {
        if (!(error instanceof ReporterError)) throw error;
      }
    };
    fc.assert(fc.property(fc.anything({ withBigInt: true, withNullPrototype: true }), thrower));
    // The same deep in a result that is right but for one place.
    const place = fc.constantFrom(...Object.keys(minimalResult()));
    fc.assert(
      fc.property(place, fc.anything({ withBigInt: true }), (key, value) =>
        thrower({ ...minimalResult(), [key]: value }),
      ),
    );
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(exampleResult().cases[0]!)), fc.anything(), (key, value) =>
        thrower(minimalResult({ cases: [{ ...exampleResult().cases[0]!, [key]: value }] })),
      ),
    );
    const trap = {
      get kind(): string {
        throw new Error('trap');
      },
    };
    expect(refusal(trap)).toBe('The result is not plain data.');
  });
});

describe('reading a result file', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reporter-'));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const written = async (name: string, text: string) => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };

  it('gives what was written', async () => {
    const path = await written('r.json', JSON.stringify(minimalResult()));
    expect(await readResultFile(path)).toEqual(minimalResult());
  });

  it('names the file and what is wrong with it', async () => {
    const absent = join(folder, 'absent.json');
    await expect(readResultFile(absent)).rejects.toThrow(`${absent} cannot be read: there is no such file.`);
    await expect(readResultFile(folder)).rejects.toThrow(`${folder} is not a file.`);
    const text = await written('text', 'no JSON');
    await expect(readResultFile(text)).rejects.toThrow(`${text} is not JSON: `);
    const other = await written('other', '{"kind":"x"}');
    await expect(readResultFile(other)).rejects.toThrow(`${other}: A result is of kind`);
    await expect(readResultFile(other)).rejects.toMatchObject({ code: 'kind' });
  });

  it('does not read a file that is too large', async () => {
    const path = await written('large', '');
    await truncate(path, MAX_FILE_BYTES + 1);
    await expect(readResultFile(path)).rejects.toThrow(
      `has ${MAX_FILE_BYTES + 1} bytes; a result has at most`,
    );
  });
});
