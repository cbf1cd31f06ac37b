/** The report as one HTML file with plots, in the shell of the benchmark reports. */
import { renderPage, type Section } from '../../reporter/html/page.ts';
import { plotHtml, tableHtml } from '../../reporter/html/parts.ts';
import type { Plot } from '../../reporter/html/plots.ts';
import { CLASSES, type Outcome } from '../outcome.ts';
import type { Report } from './report.ts';
import { groupTitle, SUMMARY_HEAD, summaryOf, tippingText, titleOf, verdict } from './text.ts';

const MINUTE_MS = 60_000;
/** Points of a line: more than the plot is wide helps nobody. */
const MOST_POINTS = 400;

type Line = (outcome: Outcome) => number[];

export function reportHtml(report: Report): string {
  const plots = plotsOf(report);
  const sections: Section[] = [
    { id: 'criteria', title: 'Criteria', html: criteriaHtml(report) },
    { id: 'plots', title: 'Plots', html: plots.map(plotHtml).join('\n') },
    {
      id: 'tipping',
      title: 'Tipping points',
      html:
        report.tipping.length === 0
          ? ''
          : tableHtml('Tipping points', ['Where it tips over'], tippingRows(report)),
    },
  ];
  const systems = [
    ...new Set(
      plots.flatMap(({ panels }) => panels.flatMap(({ series }) => series.map(({ system }) => system))),
    ),
  ];
  return renderPage({
    title: `supernode replay: ${report.replay}`,
    subtitle: titleOf(report),
    sections,
    plots,
    systems,
    data: report,
  });
}

function tippingRows({ tipping }: Report): { cells: string[] }[] {
  return tipping.map((one) => ({ cells: [tippingText(one)] }));
}

function criteriaHtml({ groups }: Report): string {
  return groups
    .map((group) => {
      const summary = tableHtml(
        'Arms',
        SUMMARY_HEAD,
        group.arms.map((one) => ({ cells: summaryOf(one) })),
      );
      const tables = group.arms.map(({ outcome, criteria }) => {
        const rows = criteria.map(({ number, title, passed, figure, bound }) => ({
          cells: [
            `${number} ${title}`,
            figure,
            bound,
            {
              text: verdict(passed),
              class: passed === null ? ('soft' as const) : passed ? ('good' as const) : ('bad' as const),
            },
          ],
        }));
        return tableHtml(
          `Criteria of ${outcome.plan.arm}`,
          [`Arm ${outcome.plan.arm}`, 'Figure', 'Bound', ''],
          rows,
        );
      });
      return `<h3>${groupTitle(group)}</h3>${summary}${tables.join('\n')}`;
    })
    .join('\n');
}

function plotsOf(report: Report): Plot[] {
  const byArm = (id: string, title: string, explanation: string, label: string, line: Line): Plot => ({
    id,
    title,
    explanation,
    x: { label: 'minutes', scale: 'linear' },
    y: { label, scale: 'linear' },
    panels: report.groups.map((group) => ({
      title: groupTitle(group),
      series: group.arms.map(({ outcome }) => ({
        system: outcome.plan.arm,
        points: pointsOf(outcome, line(outcome)),
      })),
    })),
  });
  const { moments } = report.groups[0]!.arms[0]!.outcome;
  const when = `The trigger lasts from minute ${minute(moments.triggerMs)} to ${minute(moments.triggerEndMs)}.`;
  return [
    byArm('online', 'Peers online', when, 'peers', ({ series }) => series.online),
    byArm(
      'attempts',
      'Login attempts',
      `Logins that reached a relay that was up. ${when}`,
      'attempts/s',
      ({ series }) => series.attemptsPerSec,
    ),
    byArm(
      'contacts',
      'Contacts',
      `Attempts, and those that found nobody. ${when}`,
      'contacts/s',
      ({ series }) => series.contactsPerSec,
    ),
    byArm(
      'offered',
      'Work that is asked for',
      `Over the baseline: 1 is as before. ${when}`,
      'x the baseline',
      ({ series }) => series.offeredLoad,
    ),
    loadPlot(report, when),
    goodputPlot(report, when),
  ];
}

/** A panel for each arm: the busiest relay and the mean one. */
function loadPlot(report: Report, when: string): Plot {
  return {
    id: 'load',
    title: 'Load per relay',
    explanation: `Peers held over the peers that a relay can hold, of relays that are up. ${when}`,
    x: { label: 'minutes', scale: 'linear' },
    y: { label: 'load', scale: 'linear' },
    panels: eachArm(report, ({ outcome, title }) => ({
      title,
      series: [
        { system: 'busiest', points: pointsOf(outcome, outcome.series.loadMost) },
        { system: 'mean', points: pointsOf(outcome, outcome.series.loadMean) },
      ],
    })),
  };
}

/** A panel for each arm: what was done of what was asked. */
function goodputPlot(report: Report, when: string): Plot {
  return {
    id: 'goodput',
    title: 'Goodput by class',
    explanation: `What relays that were up did, over the usual work of the class. ${when}`,
    x: { label: 'minutes', scale: 'linear' },
    y: { label: 'x the baseline', scale: 'linear' },
    panels: eachArm(report, ({ outcome, title }) => ({
      title,
      series: CLASSES.map((name) => {
        const usual = outcome.series.served[name][0] || 1;
        return {
          system: name,
          points: pointsOf(
            outcome,
            outcome.series.served[name].map((one) => one / usual),
          ),
        };
      }),
    })),
  };
}

function eachArm<T>({ groups }: Report, of: (one: { outcome: Outcome; title: string }) => T): T[] {
  return groups.flatMap((group) =>
    group.arms.map(({ outcome }) => of({ outcome, title: `${outcome.plan.arm}, ${groupTitle(group)}` })),
  );
}

/** The extremes of each stretch would be lost by leaving points out, so a stretch is its mean. */
function pointsOf({ series }: Outcome, values: readonly number[]): [number, number][] {
  const stretch = Math.ceil(values.length / MOST_POINTS);
  const points: [number, number][] = [];
  for (let at = 0; at < values.length; at += stretch) {
    const some = values.slice(at, at + stretch);
    const mean = some.reduce((sum, one) => sum + one, 0) / some.length;
    points.push([round(series.atMs[at]! / MINUTE_MS), round(mean)]);
  }
  return points;
}

function round(value: number): number {
  return Number(value.toPrecision(5));
}

function minute(ms: number): number {
  return Math.round(ms / MINUTE_MS);
}
