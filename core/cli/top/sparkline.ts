/** Many numbers in a line of text, the last at the right. */
const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** @param most what fills a bar; default the largest of them. Nothing is a blank: it must not look like a little. */
export function sparkline(values: readonly number[], width: number, most = Math.max(0, ...values)): string {
  const shown = width > 0 ? values.slice(-width) : [];
  const bars = shown.map((value) => {
    if (!(value > 0)) return ' ';
    return BARS[Math.min(BARS.length - 1, Math.floor((value / most) * BARS.length))]!;
  });
  return bars.join('').padStart(width);
}
