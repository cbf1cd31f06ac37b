/** The report as tables. */
import pc from 'picocolors';
import { drawTable } from '../../reporter/formats/terminal.ts';
import { comparisonText } from '../real/compare.ts';
import type { Judged, Report } from './report.ts';
import { groupTitle, SUMMARY_HEAD, summaryOf, tippingText, titleOf, verdict } from './text.ts';

const LEAST_WIDTH = 100;

export function reportText(report: Report): string {
  const width = Math.max(LEAST_WIDTH, process.stdout.columns || 0);
  const parts = [pc.bold(titleOf(report))];
  for (const group of report.groups) {
    parts.push(`\n${pc.bold(groupTitle(group))}`);
    for (const judged of group.arms) {
      if (report.asked.includes(judged.outcome.plan.arm)) parts.push(criteriaLines(judged));
    }
    const rows = group.arms.map(summaryOf);
    parts.push(drawTable(SUMMARY_HEAD, rows, width, (text) => text));
  }
  if (report.tipping.length > 0) {
    parts.push(`\n${pc.bold('Tipping points')}`, ...report.tipping.map(tippingText));
  }
  for (const comparison of report.comparisons) {
    const { arm, utilisation } = comparison;
    parts.push(`\n${pc.bold(`${arm}, ${utilisation}%: real and simulated`)}`, comparisonText(comparison));
  }
  const arms = report.asked.join(', ');
  const said = report.passed ? pc.green('passed all that apply') : pc.red('FAILED a criterion');
  parts.push(`\n${arms}: ${said}`);
  return `${parts.join('\n')}\n`;
}

/** A line for each: titles are too long for a column of a table. */
function criteriaLines({ outcome, criteria }: Judged): string {
  const widest = Math.max(...criteria.map(({ title }) => title.length));
  const lines = criteria.map(({ number, title, passed, figure, bound }) => {
    const paint = passed === null ? pc.dim : passed ? pc.green : pc.red;
    const said = paint(verdict(passed).padEnd(6));
    return `  ${said}  ${number}  ${title.padEnd(widest)}  ${figure}  ${pc.dim(`(${bound})`)}`;
  });
  return `arm ${outcome.plan.arm}\n${lines.join('\n')}\n`;
}
