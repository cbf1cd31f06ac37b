/** The shell of a page: everything it needs is in it, and its policy lets nothing else in. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PAGE_FUNCTIONS } from './browser.ts';
import { escapeHtml, jsonForScript } from './escape.ts';
import type { Plot } from './plots.ts';
import { STYLE } from './style.ts';

export interface Page {
  title: string;
  /** One line under the title. */
  subtitle: string;
  sections: Section[];
  plots: Plot[];
  /** In the order of their colours. */
  systems: string[];
  /** The whole of what the page shows, for programs: `JSON.parse(document.getElementById('data').textContent)`. */
  data: unknown;
}

export interface Section {
  id: string;
  title: string;
  html: string;
}

function uplotFile(name: string): string {
  const main = createRequire(import.meta.url).resolve('uplot');
  return readFileSync(join(dirname(main), name), 'utf8').trim();
}

function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** A build with `keepNames` (esbuild, tsx) wraps functions in a call of `__name`. */
function pageScript(): string {
  const functions = PAGE_FUNCTIONS.map(String).join('\n');
  return `(() => {\nconst __name = (target) => target;\n${functions}\nstart();\n})();`;
}

/** One self-contained HTML file: works from `file://`, and asks the network for nothing. */
export function renderPage(page: Page): string {
  const style = `${uplotFile('uPlot.min.css')}\n${STYLE}`;
  const scripts = page.plots.length > 0 ? [uplotFile('uPlot.iife.min.js'), pageScript()] : [pageScript()];
  const policy = [
    "default-src 'none'",
    `script-src ${scripts.map(hash).join(' ')}`,
    `style-src ${hash(style)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const shown = page.sections.filter(({ html }) => html !== '');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="benchmark-reporter">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${escapeHtml(page.title)}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the figures</a>
<header class="top">
<div>
<h1>${escapeHtml(page.title)}</h1>
<p class="soft">${escapeHtml(page.subtitle)}</p>
<nav aria-label="Sections"><ul>${shown.map(({ id, title }) => `<li><a href="#${id}">${escapeHtml(title)}</a></li>`).join('')}</ul></nav>
</div>
<button id="theme" type="button" hidden>Theme</button>
</header>
<main id="content">
${shown.map(({ id, title, html }) => `<section aria-labelledby="${id}">\n<h2 id="${id}">${escapeHtml(title)}</h2>\n${html}\n</section>`).join('\n')}
</main>
<footer>Made by benchmark-reporter. Plots: uPlot, (c) Leon Sorokin, MIT licence. All data is in this file.</footer>
<script type="application/json" id="data">${jsonForScript(page.data)}</script>
<script type="application/json" id="plot-data">${jsonForScript({ plots: page.plots, systems: page.systems })}</script>
${scripts.map((script) => `<script>${script}</script>`).join('\n')}
</body>
</html>
`;
}
