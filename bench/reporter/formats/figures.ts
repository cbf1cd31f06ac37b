/** Figures as people read them: three digits that mean something, and a unit. */

const STEPS = [
  [1e9, ' G'],
  [1e6, ' M'],
  [1e3, ' k'],
] as const;

/** Three significant digits; from 10,000 on in k, M or G. */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  const [step, sign] =
    size >= 9_999.5 ? (STEPS.find(([least]) => size >= least * 0.9995) ?? [1, '']) : [1, ''];
  const scaled = value / step;
  if (size < 0.001 || size >= 1e12) return value.toExponential(2);
  if (Math.abs(scaled) >= 999.5) return scaled.toFixed(0);
  const digits = Number(scaled.toPrecision(3));
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(digits))));
  return `${scaled.toFixed(Math.min(decimals, 5))}${sign}`;
}

export function formatBytes(bytes: number): string {
  const size = Math.abs(bytes);
  if (size >= 2 ** 30) return `${formatNumber(bytes / 2 ** 30)} GiB`;
  if (size >= 2 ** 20) return `${formatNumber(bytes / 2 ** 20)} MiB`;
  return size >= 2 ** 10 ? `${formatNumber(bytes / 2 ** 10)} KiB` : `${formatNumber(bytes)} bytes`;
}

/** 137 us/op rather than 137 k ns/op. */
function coarser(value: number, unit: string): [number, string] {
  const [, time, rest = ''] = /^(ns|us)((?:\/.*)?)$/.exec(unit) ?? [];
  if (!time || Math.abs(value) < 10_000) return [value, unit];
  return coarser(value / 1000, `${time === 'ns' ? 'us' : 'ms'}${rest}`);
}

/** `12.4 M frames/s`, `3.81 us/frame`, `2.00 KiB`. */
export function formatFigure(value: number, unit: string): string {
  if (unit === 'bytes') return formatBytes(value);
  if (unit.startsWith('bytes/')) return `${formatBytes(value)}${unit.slice('bytes'.length)}`;
  const [scaled, shown] = coarser(value, unit);
  return shown === '' ? formatNumber(scaled) : `${formatNumber(scaled)} ${shown}`;
}

export function formatShare(share: number): string {
  const percent = share * 100;
  return `${percent.toFixed(percent < 9.95 ? 1 : 0)}%`;
}

export function formatRatio(ratio: number): string {
  return ratio >= 99.5 || ratio < 0.001
    ? formatNumber(ratio)
    : ratio.toFixed(ratio >= 9.995 ? 1 : ratio < 0.0995 ? 3 : 2);
}

export function formatInterval({ ratio, low, high }: { ratio: number; low: number; high: number }): string {
  return `${formatRatio(ratio)} (${formatRatio(low)} - ${formatRatio(high)})`;
}

export function formatP(p: number): string {
  return p < 0.001 ? '<.001' : p.toFixed(3);
}

/** Without what would move the cursor, set a colour, or end a line: a result file may come from anywhere. */
export function plainText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ');
}
