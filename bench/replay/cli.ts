/** `supernode replay`: plans, runs, judges, prints. */
import { EXIT_FAILURE, EXIT_OK } from '../../core/cli/exit-codes.ts';
import type { FlagValues } from '../../core/cli/flags.ts';
import { printText, stderrLine } from '../../core/cli/print.ts';
import { endOnSignals } from '../cli/end-on-signals.ts';
import { Progress } from '../run/progress.ts';
import { checkWritable, writeWhole } from '../run/write-file.ts';
import { allPassed, judge } from './criteria.ts';
import type { Outcome } from './outcome.ts';
import type { Plan } from './plan.ts';
import { compare } from './real/compare.ts';
import { reportHtml } from './report/page.ts';
import type { Report } from './report/report.ts';
import { reportText } from './report/terminal.ts';
import { runPlan, simulateAwake } from './run.ts';
import { type ReplaySettings, settingsOf } from './settings.ts';
import { type TippingPoint, tippingPoint } from './tipping.ts';

/** Work of one virtual second against another: naive peers ask for ever. For the progress line only. */
const WEIGHT = { ours: 1, naive: 6, 'exit-jitter': 2, 'shed-nojitter': 3 } as const;
/** Runs of a tipping point, about. */
const TIPPING_RUNS = 12;

export async function replay(values: FlagValues): Promise<number> {
  const settings = settingsOf(values);
  if (settings.html !== undefined) await checkWritable(settings.html);
  const progress = new Progress();
  endOnSignals(() => progress.end());
  try {
    const report = await run(settings, progress);
    progress.end();
    if (settings.html !== undefined) await writeWhole(settings.html, reportHtml(report));
    await printText(settings.json ? `${JSON.stringify(report)}\n` : reportText(report));
    if (settings.html !== undefined) stderrLine(`the plots are in ${settings.html}`);
    return report.passed ? EXIT_OK : EXIT_FAILURE;
  } finally {
    progress.end();
  }
}

async function run(settings: ReplaySettings, progress: Progress): Promise<Report> {
  const { groups, asked } = settings;
  const plans = groups.flatMap((group) => group.plans);
  const all = plans.reduce((sum, { arm }) => sum + WEIGHT[arm], 0) * 1_000;
  let done = 0;
  const report: Report = {
    replay: plans[0]!.replay,
    asked,
    groups: [],
    tipping: [],
    comparisons: [],
    passed: true,
  };
  for (const { utilisation, plans } of groups) {
    const outcomes: Outcome[] = [];
    for (const plan of plans) {
      outcomes.push(
        await runPlan(plan, settings.real, (share, text) => {
          const title = text === undefined ? titleOf(plan) : `${titleOf(plan)}: ${text}`;
          progress.show(title, done + share * WEIGHT[plan.arm] * 1_000, all);
        }),
      );
      done += WEIGHT[plan.arm] * 1_000;
    }
    const naive = outcomes.find(({ plan }) => plan.arm === 'naive') ?? null;
    const arms = outcomes.map((outcome) => ({ outcome, criteria: judge(outcome, naive) }));
    report.groups.push({ utilisation, arms });
    if (settings.compare) {
      for (const real of outcomes) {
        const simulated = await simulateAwake(real.plan);
        report.comparisons.push({ arm: real.plan.arm, utilisation, ...compare(real, simulated) });
      }
    }
    const judged = arms.filter(({ outcome }) => asked.includes(outcome.plan.arm));
    report.passed &&= judged.every(({ criteria }) => allPassed(criteria));
  }
  if (settings.tipping) report.tipping = await tippingOf(groups, progress);
  return report;
}

async function tippingOf(groups: ReplaySettings['groups'], progress: Progress): Promise<TippingPoint[]> {
  const found: TippingPoint[] = [];
  const plans = groups.flatMap((group) => group.plans);
  let runs = 0;
  for (const plan of plans) {
    found.push(
      await tippingPoint(plan, () => {
        progress.show(`tipping point of ${plan.arm}`, runs++, plans.length * TIPPING_RUNS);
      }),
    );
  }
  return found;
}

function titleOf({ replay, arm, utilisation, peers }: Plan): string {
  return `${replay}, ${arm}, ${utilisation}%, ${peers} peers`;
}
