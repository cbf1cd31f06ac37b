/** The look of the pages. Lines have the colours of Okabe and Ito, darkened or lightened until they read on the ground. */

const LIGHT = `
  color-scheme: light;
  --ground: #ffffff; --raised: #f5f7fa; --text: #1a2230; --soft: #52606f; --rule: #d8dee6;
  --good: #00694b; --bad: #a83a00; --accent: #005a9c; --bar: #7fb2d9; --bar-soft: #c3cad3;
  --line-0: #0060a8; --line-1: #c04f00; --line-2: #007a5a; --line-3: #97468c;
  --line-4: #7d6200; --line-5: #4a5666; --line-6: #0e7f8f; --line-7: #b3123f;`;

const DARK = `
  color-scheme: dark;
  --ground: #12161c; --raised: #1b212a; --text: #e8edf3; --soft: #a3b0bf; --rule: #343d4a;
  --good: #4fd6a6; --bad: #ff9c66; --accent: #74bdff; --bar: #2f6ea3; --bar-soft: #4a5563;
  --line-0: #6cb8ff; --line-1: #ff9b57; --line-2: #44d3a2; --line-3: #e3a0da;
  --line-4: #ead159; --line-5: #b6c1cd; --line-6: #5fd3e3; --line-7: #ff8fa8;`;

export const STYLE = `
:root {${LIGHT}
}
@media (prefers-color-scheme: dark) { :root {${DARK}
} }
:root[data-theme="light"] {${LIGHT}
}
:root[data-theme="dark"] {${DARK}
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main, header.top, footer { max-width: 1120px; margin: 0 auto; padding: 0 20px; }
header.top { display: flex; flex-wrap: wrap; gap: 8px 24px; align-items: flex-start; justify-content: space-between; padding-top: 28px; }
header.top > div { min-width: 0; flex: 1 1 300px; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 1.3rem; margin: 2.6rem 0 0.5rem; line-height: 1.3; }
h3 { font-size: 1.05rem; margin: 1.8rem 0 0.4rem; }
p, ul, dl { margin: 0.5rem 0; }
p, li, dd { max-width: 75ch; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.small { font-size: 0.875rem; }
nav ul { display: flex; flex-wrap: wrap; gap: 2px 18px; list-style: none; padding: 0; margin: 14px 0 0; }
a { color: var(--accent); text-underline-offset: 3px; }
button, select { font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--rule); border-radius: 8px; padding: 6px 14px; min-height: 40px; max-width: 100%; }
button { cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 12px; top: 12px; background: var(--ground); padding: 8px 12px; z-index: 2; }
figure { margin: 1rem 0 2.2rem; min-width: 0; }
figure label { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; margin: 0.6rem 0; }
figcaption { margin-bottom: 0.4rem; }
figcaption h3 { margin: 0; }
.canvas { width: 100%; min-height: 260px; }
.uplot, .uplot .u-legend { font: inherit; color: var(--text); }
.uplot .u-legend { font-size: 0.875rem; text-align: left; padding-top: 4px; }
.uplot .u-legend .u-marker { width: 26px; height: 0; border-bottom-width: 0 !important; border-left-width: 0 !important; border-right-width: 0 !important; margin-right: 6px; }
.uplot .u-legend th { font-weight: 500; }
.uplot .u-legend .u-value { font-variant-numeric: tabular-nums; }
.uplot .u-cursor-x, .uplot .u-cursor-y { border-color: var(--soft); }
details { margin: 0.6rem 0; }
summary { cursor: pointer; color: var(--accent); padding: 6px 0; width: fit-content; }
.scroll { overflow-x: auto; border: 1px solid var(--rule); border-radius: 10px; margin: 0.5rem 0; max-width: 100%; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { padding: 7px 12px; text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 11rem; overflow-wrap: anywhere; }
thead th { background: var(--raised); color: var(--soft); font-weight: 600; font-size: 0.82rem; }
tbody th { font-weight: 500; }
tbody tr + tr > * { border-top: 1px solid var(--rule); }
tbody tr.rival + tr.rival > *, tbody tr.rival > * { border-top-color: transparent; }
tr.rival > * { color: var(--soft); padding-top: 3px; padding-bottom: 5px; }
tr.rival > th:first-child { padding-left: 28px; }
td.good { color: var(--good); font-weight: 600; }
td.bad { color: var(--bad); font-weight: 600; }
dl.facts { display: grid; grid-template-columns: minmax(8rem, max-content) minmax(0, 1fr); gap: 4px 20px; }
dl.facts dt { color: var(--soft); }
dl.facts dd { margin: 0; }
.notes { list-style: none; padding: 0; }
.notes li { border-left: 4px solid var(--bad); background: var(--raised); border-radius: 0 8px 8px 0; padding: 8px 14px; margin: 8px 0; max-width: none; }
.notes code, code { font-size: 0.9em; overflow-wrap: anywhere; }
.bars { display: grid; grid-template-columns: minmax(9rem, 17rem) minmax(0, 1fr) minmax(9.5rem, max-content); gap: 4px 14px; align-items: center; margin: 0.4rem 0; grid-auto-flow: row dense; }
.bars .about { grid-column: 1 / -1; font-weight: 600; margin-top: 10px; max-width: none; }
.bars .name { grid-column: 1; color: var(--soft); overflow-wrap: anywhere; }
.bars .value { grid-column: 3; text-align: right; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
.bars svg { grid-column: 2; display: block; width: 100%; height: 20px; }
.bars .scale { height: 34px; }
.bars text { fill: var(--soft); font-size: 12px; }
.bar { fill: var(--bar); } .bar.other { fill: var(--bar-soft); }
.error { stroke: var(--text); stroke-width: 2; }
.one { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 3 3; }
.tick { stroke: var(--rule); stroke-width: 1; }
footer { padding-top: 24px; padding-bottom: 48px; color: var(--soft); font-size: 0.875rem; }
@media (max-width: 640px) {
  main, header.top, footer { padding-left: 14px; padding-right: 14px; }
  h1 { font-size: 1.45rem; }
  dl.facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dl.facts dd { margin-bottom: 8px; }
  th, td { padding: 6px 9px; }
  .bars { grid-template-columns: minmax(0, 1fr) max-content; }
  .bars svg { grid-column: 1 / -1; }
  .bars .value { grid-column: 2; }
}
@media print { button, nav, select { display: none; } }
`;
