import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Run, Sandbox } from './run-cli.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await Sandbox.create();
});
afterAll(() => sandbox.remove());

const replay = (...args: string[]): Run => sandbox.run(['replay', ...args]);

describe('supernode replay', () => {
  it('describes its flags', async () => {
    const run = replay('--help');
    expect(await run.end()).toEqual({ code: 0, signal: null });
    for (const flag of ['--arm', '--peers', '--utilisation', '--tipping', '--real', '--compare', '--html'])
      expect(run.text).toContain(flag);
  });

  it.each([
    [['summer'], /There is no replay "summer"; there are: mass-restart, cascade\./],
    [['cascade', '--arm', 'theirs'], /--arm has no "theirs"; there are: ours, naive,.* all\./],
    [
      ['cascade', '--utilisation', '5'],
      /--utilisation takes whole percents from 10 to 100, or all, not "5"\./,
    ],
    [['cascade', '--compare'], /add --real/],
    [['cascade', '--real', '--tipping'], /leave --real away/],
  ])('refuses %j with a sentence and 2', async (args, says) => {
    const run = replay(...args);
    expect(await run.end()).toEqual({ code: 2, signal: null });
    expect(run.stderr).toMatch(says);
    expect(run.text).toBe('');
  });

  it('prints JSON alone, writes one page, and ends with 0 when ours passed', async () => {
    const html = sandbox.path('page.html');
    const run = replay('mass-restart', '--peers', '3000', '--json', '--html', html);
    expect(await run.end()).toEqual({ code: 0, signal: null });
    const report = JSON.parse(run.text);
    expect(report).toMatchObject({ replay: 'mass-restart', asked: ['ours'], passed: true });
    expect(report.groups).toHaveLength(1);
    const { utilisation, arms } = report.groups[0];
    expect(utilisation).toBe(75);
    expect(arms.map((arm: { outcome: { plan: { arm: string } } }) => arm.outcome.plan.arm)).toEqual([
      'ours',
      'naive',
    ]);
    for (const { criteria } of arms)
      expect(criteria.map((one: { number: number }) => one.number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(readFileSync(html, 'utf8')).toMatch(/^<!doctype html>.*<\/html>\s*$/is);
    // No terminal, no progress: the one line says where the page is.
    expect(run.stderr).toBe(`supernode: the plots are in ${html}\n`);
  });

  it('ends with 1 when an arm that was asked for failed, and says so', async () => {
    const run = replay('mass-restart', '--peers', '1000', '--scale', '10', '--arm', 'naive');
    expect(await run.end()).toEqual({ code: 1, signal: null });
    expect(run.text).toContain('naive: FAILED a criterion');
    expect(run.stderr).toBe('');
  });
});
