/** Horizontal bars of ratios with their intervals, on a logarithmic scale: twice as good is as far as half as good. */
import { formatInterval, formatRatio } from '../formats/figures.ts';
import { escapeHtml } from './escape.ts';

export interface Bar {
  name: string;
  /** Above 1 is better. */
  ratio: number;
  low: number;
  high: number;
  /** A second kind of bar beside the first. */
  other?: boolean;
}

export interface BarGroup {
  about: string;
  bars: Bar[];
}

interface Span {
  low: number;
  high: number;
}

function spanOf(bars: readonly Bar[]): Span {
  const ends = bars.flatMap(({ low, high }) => [low, high]).filter((end) => end > 0 && Number.isFinite(end));
  return { low: Math.min(1 / 1.05, ...ends) / 1.03, high: Math.max(1.05, ...ends) * 1.03 };
}

function place(ratio: number, { low, high }: Span): number {
  const at = Math.log(ratio / low) / Math.log(high / low);
  return Number((100 * Math.min(1, Math.max(0, at))).toFixed(2));
}

function barSvg({ ratio, low, high, other }: Bar, span: Span): string {
  const [one, end] = [place(1, span), place(ratio, span)];
  const [from, to] = [place(Math.max(low, span.low), span), place(high, span)];
  return `<svg aria-hidden="true"><rect class="bar${other ? ' other' : ''}" x="${Math.min(one, end)}%" y="3" width="${Number(Math.abs(end - one).toFixed(2))}%" height="14" rx="2"/><line class="one" x1="${one}%" x2="${one}%" y1="0" y2="20"/><line class="error" x1="${from}%" x2="${to}%" y1="10" y2="10"/><line class="error" x1="${from}%" x2="${from}%" y1="5" y2="15"/><line class="error" x1="${to}%" x2="${to}%" y1="5" y2="15"/></svg>`;
}

const TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
const FINE_TICKS = [0.6, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.4, 1.6];

/** The ticks that fall into the span, far enough from each other for a phone. */
function ticksOf(span: Span): number[] {
  const list = span.high / span.low < 4 ? FINE_TICKS : TICKS;
  const kept: number[] = [];
  const inside = list.filter((tick) => tick >= span.low && tick <= span.high);
  for (const tick of [1, ...inside.filter((one) => one !== 1)]) {
    const at = place(tick, span);
    if (at > 94 || (at < 3 && tick !== 1)) continue;
    if (kept.every((other) => Math.abs(place(other, span) - at) >= 13)) kept.push(tick);
  }
  return kept;
}

function scaleSvg(span: Span): string {
  const marks = ticksOf(span).map((tick) => {
    const at = place(tick, span);
    const anchor = at < 4 ? 'start' : 'middle';
    return `<line class="tick" x1="${at}%" x2="${at}%" y1="0" y2="6"/><text x="${at}%" y="20" text-anchor="${anchor}">${formatRatio(tick)}</text>`;
  });
  return `<svg class="scale" aria-hidden="true">${marks.join('')}</svg>`;
}

/** The figures stand beside the bars as text, so that nothing is lost to those who do not see them. */
export function barsHtml(groups: readonly BarGroup[]): string {
  const all = groups.flatMap(({ bars }) => bars);
  if (all.length === 0) return '';
  const span = spanOf(all);
  const rows = groups.map(
    ({ about, bars }) =>
      `<div class="about">${escapeHtml(about)}</div>${bars
        .map(
          (bar) =>
            `<span class="name">${escapeHtml(bar.name)}</span><span class="value">${formatInterval(bar)}</span>${barSvg(bar, span)}`,
        )
        .join('\n')}`,
  );
  return `<div class="bars">${rows.join('\n')}\n${scaleSvg(span)}</div>`;
}
