import { describe, expect, it } from 'vitest';
import { formatFigure, formatNumber, formatRatio } from '../../../bench/reporter/formats/figures.ts';
import { plotsOf } from '../../../bench/reporter/html/plots.ts';
import {
  COMPARISON_REPORTER_NAMES,
  compareResults,
  comparisonReportersByName,
  comparisonToTable,
  REPORTER_NAMES,
  type Result,
  reportersByName,
  resultToTable,
} from '../../../bench/reporter/index.ts';
import { exampleResult, laterResult } from './fixtures/example-result.ts';
import { caseOf, metric, minimalResult } from './fixtures/minimal-result.ts';

const EXAMPLE = exampleResult();
const COMPARISON = compareResults([EXAMPLE, laterResult(0.89)], { failOnRegression: 0.05 });
const HOSTILE = `=cmd()|'x' <script>alert(1)</script> </script><!-- \u001b[31m\u2028 [a](b) @user "q"`;

/** Text in every place that a file can put text. */
function hostileResult(): Result {
  const one = caseOf(
    'frame/read',
    'supernode',
    [metric('figure', 'ns/op', [1, 2, 3], { title: HOSTILE, unit: HOSTILE })],
    {
      title: HOSTILE,
      parameters: { [HOSTILE]: HOSTILE },
    },
  );
  const plain = minimalResult();
  return minimalResult({
    cases: [one],
    fingerprint: { ...plain.fingerprint, cpu: { ...plain.fingerprint.cpu, model: HOSTILE }, commit: HOSTILE },
    systems: { supernode: { title: HOSTILE, version: HOSTILE } },
    missing: [{ system: 'ws', why: HOSTILE, install: HOSTILE }],
    warnings: [{ code: 'planted', case: null, text: HOSTILE }],
    settings: { [HOSTILE]: HOSTILE },
  });
}

function lengths(text: string): number[] {
  return text.split('\n').map((line) => line.length);
}

describe('figures', () => {
  it('have three digits that mean something', () => {
    const shown = [0, 1, 0.0123, 9.999, 12.345, 99.95, 999.4, 9999, 12_345, 999_500, 1.5e9, -2.3456, 1e-5];
    expect(shown.map(formatNumber)).toEqual([
      ...[
        '0',
        '1.00',
        '0.0123',
        '10.0',
        '12.3',
        '100',
        '999',
        '9999',
        '12.3 k',
        '1.00 M',
        '1.50 G',
        '-2.35',
        '1.00e-5',
      ],
    ]);
  });

  it('have the unit that people would use', () => {
    expect(formatFigure(136_000, 'ns/op')).toBe('136 us/op');
    expect(formatFigure(12.4e6, 'frames/s')).toBe('12.4 M frames/s');
    expect(formatFigure(2048, 'bytes')).toBe('2.00 KiB');
    expect(formatFigure(2048, 'bytes/peer')).toBe('2.00 KiB/peer');
    expect([0.0123, 0.954, 3.456, 12.34, 250].map(formatRatio)).toEqual([
      '0.012',
      '0.95',
      '3.46',
      '12.3',
      '250',
    ]);
  });
});

describe('reporters of a result', () => {
  it.each(REPORTER_NAMES.filter((name) => name !== 'html' && name !== 'json' && name !== 'table'))(
    '%s',
    (name) => {
      expect(reportersByName[name](EXAMPLE)).toMatchSnapshot();
    },
  );

  it('table', () => {
    expect(resultToTable(EXAMPLE, { color: false, width: 90 })).toMatchSnapshot();
  });

  it('json gives the result back', () => {
    expect(JSON.parse(reportersByName.json(EXAMPLE))).toEqual(EXAMPLE);
  });

  it('plots of the page, as data', () => {
    expect(plotsOf(EXAMPLE)).toMatchSnapshot();
    expect(plotsOf(minimalResult())).toEqual([]);
  });

  it('fit a terminal of 80 columns', () => {
    const tables = resultToTable({ ...EXAMPLE, warnings: [], missing: [] }, { color: false, width: 80 });
    expect(Math.max(...lengths(tables).slice(3))).toBeLessThanOrEqual(80);
  });

  it('use colours only where they are asked for', () => {
    expect(resultToTable(EXAMPLE, { color: true })).toContain('\u001b[32m');
    expect(resultToTable(EXAMPLE, { color: false })).not.toContain('\u001b');
  });

  it('keep the text of a file from becoming anything else', () => {
    const result = hostileResult();
    for (const sign of ['\u001b', '\u2028'])
      expect(resultToTable(result, { color: false })).not.toContain(sign);
    const csv = reportersByName.csv(result);
    expect(csv).toContain(`"'=cmd()|'x' <script>`);
    expect(csv).not.toMatch(/(^|,)"?=/m);
    const markdown = reportersByName.markdown(result);
    for (const sign of ['<script', '\u001b', '](b', '@user']) expect(markdown).not.toContain(sign);
    // Each line of a table has the cells of its head.
    const cells = markdown
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map((line) => line.split(/(?<!\\)\|/).length);
    expect(new Set(cells).size).toBe(1);
    const html = reportersByName.html(result);
    expect(html).not.toContain('<script>alert');
    expect(html).not.toContain('\u2028');
    const data = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html)![1]!;
    expect(JSON.parse(data)).toEqual(result);
  });

  it('do without cases', () => {
    const empty = minimalResult({ cases: [] });
    for (const name of REPORTER_NAMES) expect(() => reportersByName[name](empty)).not.toThrow();
    expect(JSON.parse(reportersByName.bencher(empty))).toEqual({});
  });
});

describe('reporters of a comparison', () => {
  it('table', () => {
    const text = comparisonToTable(COMPARISON, { color: false, width: 96 });
    expect(text).toMatchSnapshot();
    expect(Math.max(...lengths(text).slice(4, 20))).toBeLessThanOrEqual(96);
    expect(comparisonToTable(COMPARISON, { color: false, verbose: true })).toMatchSnapshot();
  });

  it('markdown', () => {
    expect(comparisonReportersByName.markdown(COMPARISON)).toMatchSnapshot();
  });

  it('json gives the comparison back', () => {
    expect(JSON.parse(comparisonReportersByName.json(COMPARISON))).toEqual(COMPARISON);
  });

  it('say why when there is none, and nothing else', () => {
    const refused = compareResults([EXAMPLE, minimalResult()]);
    for (const name of COMPARISON_REPORTER_NAMES) {
      const text = comparisonReportersByName[name](refused);
      expect(text).toContain('measured different things');
      expect(text).not.toContain('Geometric mean of');
    }
  });
});
