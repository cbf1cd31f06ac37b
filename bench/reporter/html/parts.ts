/** The pieces that pages are made of. Each escapes the text that it is given; `html` in a name means that it does not. */

import { formatNumber } from '../formats/figures.ts';
import type { Case } from '../result.ts';
import { escapeHtml } from './escape.ts';
import type { Axis, Plot } from './plots.ts';

/** A cell is text, or text with a class. */
export type Cell = string | { text: string; class: 'good' | 'bad' | 'soft' };

function cell(tag: 'td' | 'th', value: Cell, scope = ''): string {
  const { text, class: name } = typeof value === 'string' ? { text: value, class: null } : value;
  return `<${tag}${scope}${name ? ` class="${name}"` : ''}>${escapeHtml(text)}</${tag}>`;
}

/** Scrolls by itself when it is wider than the page, with the keyboard too. */
export function tableHtml(
  label: string,
  head: readonly string[],
  rows: readonly { cells: readonly Cell[]; class?: 'rival' }[],
): string {
  const lines = rows.map(({ cells, class: name }) => {
    const [first, ...rest] = cells;
    const row = `${cell('th', first!, ' scope="row"')}${rest.map((one) => cell('td', one)).join('')}`;
    return `<tr${name ? ` class="${name}"` : ''}>${row}</tr>`;
  });
  return `<div class="scroll" role="region" tabindex="0" aria-label="${escapeHtml(label)}"><table>
<thead><tr>${head.map((one) => cell('th', one, ' scope="col"')).join('')}</tr></thead>
<tbody>${lines.join('\n')}</tbody>
</table></div>`;
}

export function factsHtml(facts: readonly (readonly [string, string])[]): string {
  return `<dl class="facts">${facts.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>`;
}

export function notesHtml(notes: readonly { head: string; text: string }[]): string {
  if (notes.length === 0) return '';
  return `<ul class="notes">${notes.map(({ head, text }) => `<li><strong>${escapeHtml(head)}</strong> ${escapeHtml(text)}</li>`).join('')}</ul>`;
}

function xText(axis: Axis, x: number): string {
  if (axis.scale !== 'nines') return formatNumber(x);
  const share = 100 * (1 - 10 ** -x);
  return `${share.toFixed(Math.max(0, Math.ceil(x - 1e-9) - 2))}%`;
}

/** The text alternative of a plot: all of its points. */
function figuresHtml(plot: Plot): string {
  return plot.panels
    .map(({ title, series }) => {
      const xs = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
      const rows = xs.map((x) => ({
        cells: [
          xText(plot.x, x),
          ...series.map(({ points }) => {
            const found = points.find(([at]) => at === x);
            return found ? formatNumber(found[1]) : '';
          }),
        ],
      }));
      const head = [plot.x.label, ...series.map(({ system }) => `${system}, ${plot.y.label}`)];
      return `<h4>${escapeHtml(title)}</h4>${tableHtml(`${plot.title}: ${title}`, head, rows)}`;
    })
    .join('\n');
}

export function plotHtml(plot: Plot): string {
  const id = `choice-${plot.id}`;
  const choice =
    plot.panels.length > 1
      ? `<label for="${id}">Shown: <select id="${id}">${plot.panels.map(({ title }) => `<option>${escapeHtml(title)}</option>`).join('')}</select></label>`
      : `<p class="soft">${escapeHtml(plot.panels[0]!.title)}</p>`;
  return `<figure id="plot-${plot.id}">
<figcaption><h3>${escapeHtml(plot.title)}</h3><p class="soft">${escapeHtml(plot.explanation)}</p></figcaption>
${choice}
<div class="canvas" role="img" aria-label="${escapeHtml(plot.title)}"></div>
<details><summary>Figures of this plot</summary>${figuresHtml(plot)}</details>
</figure>`;
}

export function parametersText({ parameters }: Case): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
