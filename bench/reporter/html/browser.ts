/**
 * What runs in the page. `page.ts` writes the source text of these functions into it, so they may use each other and what a
 * browser has, but no import and no constant from outside.
 */
import type UPlot from 'uplot';
import type { Plot, Series } from './plots.ts';

/** uPlot's own script has put it there. */
declare const uPlot: typeof UPlot;

function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** 12.4 M, as `formatFigure` has it. */
function short(value: number): string {
  const size = Math.abs(value);
  const step = size >= 1e9 ? 1e9 : size >= 1e6 ? 1e6 : size >= 1e4 ? 1e3 : 1;
  const sign = step === 1e9 ? ' G' : step === 1e6 ? ' M' : step === 1e3 ? ' k' : '';
  return `${Number((value / step).toPrecision(3))}${sign}`;
}

/** 0 -> 0%, 1 -> 90%, 2 -> 99%, 2.3 -> 99.5%. */
function percent(nines: number): string {
  const share = 100 * (1 - 10 ** -nines);
  return `${share.toFixed(Math.max(0, Math.ceil(nines - 1e-9) - 2))}%`;
}

/** uPlot takes one list of x, and for each line a y or null at each of them. */
function aligned(series: readonly Series[]): UPlot.AlignedData {
  const xs = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const columns = series.map(({ points }) => {
    const at = new Map(points);
    return xs.map((x) => at.get(x) ?? null);
  });
  return [xs, ...columns];
}

/** Colours alone do not tell lines apart for everyone: each system has its dashes too. */
function lineOf(system: string, systems: readonly string[]): UPlot.Series {
  const index = Math.max(0, systems.indexOf(system)) % 8;
  const stroke = color(`--line-${index}`);
  const dash = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 2], [1, 5], [14, 4], [4, 4, 1, 4]][index]!;
  return {
    label: system,
    stroke,
    dash,
    width: index === 0 ? 3 : 2,
    spanGaps: true,
    points: {
      show: true,
      size: index === 0 ? 8 : 6,
      stroke,
      fill: index % 2 === 0 ? stroke : color('--ground'),
    },
    value: (_, value) => (value === null ? '-' : short(value)),
  };
}

/** On a logarithmic axis: the points themselves where they are few, else 1, 2, 5, 10... */
function logTicks(xs: readonly number[], low: number, high: number): number[] {
  if (xs.length > 0 && xs.length <= 5) return [...xs];
  const ticks: number[] = [];
  for (let decade = 10 ** Math.floor(Math.log10(low)); decade <= high; decade *= 10) {
    ticks.push(...[1, 2, 5].map((step) => step * decade).filter((at) => at >= low && at <= high));
  }
  return ticks;
}

function axisOf(axis: Plot['x'], xs: readonly number[], vertical: boolean): UPlot.Axis {
  const line = { stroke: color('--rule'), width: 1 };
  const words = (at: number | null) => (at === null ? '' : short(at));
  const ticks: UPlot.Axis =
    axis.scale === 'nines'
      ? {
          splits: (_, __, ___, high) => [0, 1, 2, 3, 4, 5, 6].filter((at) => at <= high),
          // On a phone the long ones would run into each other.
          values: (u, splits) =>
            splits.map((at) => (u.width < 520 && (at === 4 || at === 6) ? '' : percent(at))),
        }
      : axis.scale === 'log'
        ? { splits: (_, __, low, high) => logTicks(xs, low, high), filter: (_, splits) => splits }
        : {};
  return {
    label: axis.label,
    labelSize: 22,
    labelFont: '13px system-ui, sans-serif',
    font: '12px system-ui, sans-serif',
    stroke: color('--soft'),
    grid: line,
    ticks: line,
    size: vertical ? 62 : 44,
    values: (_, splits) => splits.map(words),
    ...ticks,
  };
}

/** From 0 on a linear axis, so that heights compare; whole decades on a logarithmic one. */
function scaleOf(axis: Plot['x'], vertical: boolean): UPlot.Scale {
  if (axis.scale === 'log') {
    return {
      distr: 3,
      range: vertical
        ? (_, low, high) => [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high) + 1e-9)]
        : (_, low, high) => [low / 1.3, high * 1.3],
    };
  }
  return axis.scale === 'nines'
    ? { range: (_, _low, high) => [0, high + 0.1] }
    : { range: (_, _low, high) => [0, high > 0 ? high * 1.1 : 1] };
}

function draw(plot: Plot, at: number, holder: HTMLElement, systems: readonly string[]): UPlot {
  const panel = plot.panels[at]!;
  const data = aligned(panel.series);
  const xs = Array.from(data[0]);
  const x: UPlot.Series = {
    label: plot.x.scale === 'nines' ? 'share' : plot.x.label,
    value: (_, value) => (value === null ? '-' : plot.x.scale === 'nines' ? percent(value) : short(value)),
  };
  const options: UPlot.Options = {
    width: holder.clientWidth,
    height: Math.round(Math.min(380, Math.max(260, holder.clientWidth * 0.5))),
    scales: {
      x: { time: false, ...scaleOf(plot.x, false) },
      y: scaleOf(plot.y, true),
    },
    series: [x, ...panel.series.map(({ system }) => lineOf(system, systems))],
    axes: [axisOf(plot.x, xs, false), axisOf(plot.y, [], true)],
    legend: {
      markers: { width: 3, dash: (_, at) => (at === 1 ? 'solid' : at % 2 === 0 ? 'dashed' : 'dotted') },
    },
    cursor: { drag: { x: false, y: false } },
  };
  holder.replaceChildren();
  return new uPlot(options, data, holder);
}

/** A plot, its choice of panels, and its redrawing at a new width or in new colours. */
function mount(plot: Plot, systems: readonly string[]): () => void {
  const figure = document.getElementById(`plot-${plot.id}`)!;
  const holder = figure.querySelector<HTMLElement>('.canvas')!;
  const choice = figure.querySelector('select');
  let shown: UPlot | undefined;
  let width = 0;
  const redraw = () => {
    const at = choice ? choice.selectedIndex : 0;
    shown?.destroy();
    width = holder.clientWidth;
    shown = draw(plot, at, holder, systems);
    holder.setAttribute(
      'aria-label',
      `${plot.title}: ${plot.panels[at]!.title}. Its figures are in the table below.`,
    );
  };
  choice?.addEventListener('change', redraw);
  new ResizeObserver(() => {
    if (holder.clientWidth !== width) redraw();
  }).observe(holder);
  redraw();
  return redraw;
}

function isDark(): boolean {
  const chosen = document.documentElement.dataset['theme'];
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

export function start(): void {
  const holder = document.getElementById('plot-data');
  const { plots, systems } = JSON.parse(holder?.textContent ?? '{"plots":[],"systems":[]}') as {
    plots: Plot[];
    systems: string[];
  };
  const redraws = plots.map((plot) => mount(plot, systems));
  const button = document.getElementById('theme') as HTMLButtonElement;
  const apply = () => {
    button.textContent = isDark() ? 'Light theme' : 'Dark theme';
    for (const redraw of redraws) redraw();
  };
  button.addEventListener('click', () => {
    document.documentElement.dataset['theme'] = isDark() ? 'light' : 'dark';
    apply();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', apply);
  button.hidden = false;
  button.textContent = isDark() ? 'Light theme' : 'Dark theme';
}

/** In the order of their use; `start` begins. */
export const PAGE_FUNCTIONS = [
  color,
  short,
  percent,
  aligned,
  lineOf,
  logTicks,
  axisOf,
  scaleOf,
  draw,
  mount,
  isDark,
  start,
] as const;
