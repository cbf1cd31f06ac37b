/** Holds docs/grafana-dashboard.json and docs/alerts.yml to what GET /metrics really answers, and docs/operations.md too. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { METRICS } from '../../core/relay/admin/metric-list.ts';
import { login, startRelay } from '../fixtures/relay.ts';

const read = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const METRIC = /\b(?:supernode|process|nodejs)_[a-z0-9_]+\b/g;

interface Panel {
  type: string;
  title: string;
  targets?: { expr: string }[];
  gridPos: { x: number; y: number; w: number; h: number };
}
const dashboard = JSON.parse(read('grafana-dashboard.json')) as { panels: Panel[]; templating: unknown };
/** Of the rules, one a line. */
const alerts = [...read('alerts.yml').matchAll(/^ {6}- alert: (\w+)\n {8}expr: (.+)$/gm)].map(
  ([, name, expr]) => ({ name: name!, expr: expr! }),
);

/** Label values by metric and label, as a real relay answers. */
const served = new Map<string, Map<string, Set<string>>>();
beforeAll(async () => {
  const relay = await startRelay({
    shards: 2,
    admin: { openMetrics: true },
    authorize: () => ({ allowed: true, tenant: 'acme' }),
    tenants: { acme: { maxSessions: 10 } },
  });
  await login(relay);
  const text = await (await fetch(`${relay.admin!.url}/metrics`)).text();
  for (const line of text.split('\n')) {
    const parts = /^([a-z0-9_]+)(?:\{(.*)\})? \S+$/.exec(line);
    if (!parts) continue;
    const labels = served.get(parts[1]!) ?? new Map<string, Set<string>>();
    served.set(parts[1]!, labels);
    for (const [, label, value] of (parts[2] ?? '').matchAll(/(\w+)="([^"]*)"/g)) {
      labels.set(label!, (labels.get(label!) ?? new Set()).add(value!));
    }
  }
});

/** Every metric in the expression is there, and every label and value that it asks for. */
function check(expr: string, where: string): void {
  for (const [name] of expr.matchAll(METRIC)) expect(served.has(name), `${name} in ${where}`).toBe(true);
  for (const [, name, selector] of expr.matchAll(/(\w+)\{([^}]*)\}/g)) {
    for (const [, label, operator, value] of selector!.matchAll(/(\w+)(=~?)"([^"]*)"/g)) {
      // Prometheus adds these two.
      if (label === 'job' || label === 'instance') continue;
      const values = served.get(name!)?.get(label!) ?? new Set();
      for (const one of operator === '=~' ? value!.split('|') : [value!]) {
        expect(values.has(one), `${name}{${label}="${one}"} in ${where}`).toBe(true);
      }
    }
  }
  const counts = (text: string, of: RegExp): number => text.match(of)?.length ?? 0;
  expect(counts(expr, /\(/g), where).toBe(counts(expr, /\)/g));
}

describe('what watches a relay', () => {
  test('a dashboard whose panels have a title and ask for what there is', () => {
    const panels = dashboard.panels.filter(({ type }) => type !== 'row');
    expect(panels.length).toBeGreaterThan(20);
    for (const { title, targets, gridPos } of panels) {
      expect(title).toMatch(/\S/);
      expect(targets?.length, title).toBeGreaterThan(0);
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (const { expr } of targets!) check(expr, `panel ${title}`);
    }
  });

  test('alerts that ask for what there is, each for a while and with a sentence', () => {
    expect(alerts.length).toBeGreaterThan(10);
    const text = read('alerts.yml');
    expect(alerts.length).toBe(text.match(/- alert:/g)?.length);
    expect(text.match(/^ {10}summary: ".+"$/gm)?.length).toBe(alerts.length);
    expect(text.match(/^ {8}labels: \{ severity: (page|ticket) \}$/gm)?.length).toBe(alerts.length);
    for (const { name, expr } of alerts) check(expr, `alert ${name}`);
  });

  test('a table in docs/operations.md that has every metric, and none that there is not', () => {
    const text = read('operations.md');
    const told = new Set(text.match(METRIC) ?? []);
    for (const { name } of METRICS) expect(told.has(name), `${name} in operations.md`).toBe(true);
    for (const name of told) {
      if (name.startsWith('supernode_'))
        expect(served.has(name) || served.has(`${name}_count`), name).toBe(true);
    }
    for (const { name } of alerts) expect(text).toContain(name);
  });
});
