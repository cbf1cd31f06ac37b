import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compareResults, comparisonReportersByName, reportersByName } from '../../../bench/reporter/index.ts';
import { CHROMIUM, FLAGS } from '../../fixtures/chromium.ts';
import { exampleResult, laterResult } from './fixtures/example-result.ts';
import { minimalResult } from './fixtures/minimal-result.ts';

const SIZES = { desk: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
const SCHEMES = ['light', 'dark'] as const;
const VIEWS = Object.keys(SIZES).flatMap((size) => SCHEMES.map((scheme) => [size, scheme] as const)) as [
  keyof typeof SIZES,
  (typeof SCHEMES)[number],
][];

// CI installs Chromium, and there its absence is a failure; elsewhere a machine may do without.
describe.skipIf(!process.env['CI'] && !existsSync(CHROMIUM))('the pages in Chromium', () => {
  let folder: string;
  let browser: Browser;
  let context: BrowserContext;
  let complaints: string[];
  let requests: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reporter-html-'));
    const base = exampleResult();
    const comparison = compareResults([base, laterResult(0.89)]);
    await writeFile(join(folder, 'result.html'), reportersByName.html(base));
    await writeFile(join(folder, 'comparison.html'), comparisonReportersByName.html(comparison));
    await writeFile(join(folder, 'minimal.html'), reportersByName.html(minimalResult()));
    browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
  }, 60_000);

  afterEach(() => context?.close());

  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function open(
    file: string,
    size: keyof typeof SIZES,
    colorScheme: (typeof SCHEMES)[number],
  ): Promise<Page> {
    complaints = [];
    requests = [];
    context = await browser.newContext({ viewport: SIZES[size], colorScheme });
    const page = await context.newPage();
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(join(folder, file)).href);
    return page;
  }

  /** Colours of a canvas, by the number of its pixels that have them. */
  function painted(page: Page): Promise<{ pixels: number; colors: number }[]> {
    return page.evaluate(() =>
      [...document.querySelectorAll('canvas')].map((canvas) => {
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        const seen = new Set<number>();
        let pixels = 0;
        for (let at = 0; at < data.length; at += 4) {
          if (data[at + 3]! < 128) continue;
          pixels++;
          seen.add((data[at]! << 16) | (data[at + 1]! << 8) | data[at + 2]!);
        }
        return { pixels, colors: seen.size };
      }),
    );
  }

  function overflow(page: Page): Promise<number> {
    return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  }

  function ground(page: Page): Promise<string> {
    return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  }

  it.each(VIEWS)('a result on a %s in %s', async (size, scheme) => {
    const page = await open('result.html', size, scheme);
    const canvases = await painted(page);
    expect(canvases).toHaveLength(3);
    for (const { pixels, colors } of canvases) {
      expect(pixels).toBeGreaterThan(2000);
      expect(colors).toBeGreaterThan(8);
    }
    for (const details of await page.locator('details').all()) {
      await details.evaluate((element) => {
        (element as HTMLDetailsElement).open = true;
      });
    }
    expect(await overflow(page)).toBe(0);
    expect(await ground(page)).toBe(scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(18, 22, 28)');
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !/^(file|data):/.test(url))).toEqual([]);
  });

  it.each(VIEWS)('a comparison on a %s in %s', async (size, scheme) => {
    const page = await open('comparison.html', size, scheme);
    expect(await page.locator('.bars svg').count()).toBeGreaterThan(10);
    expect(await overflow(page)).toBe(0);
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !/^(file|data):/.test(url))).toEqual([]);
  });

  it('change their theme, and the colours of their plots with it, by the keyboard', async () => {
    const page = await open('result.html', 'desk', 'light');
    const strokes = () => page.evaluate(() => document.querySelector('canvas')!.toDataURL());
    const before = await strokes();
    await page.locator('#theme').focus();
    await page.keyboard.press('Enter');
    expect(await ground(page)).toBe('rgb(18, 22, 28)');
    expect(await page.locator('#theme').textContent()).toBe('Light theme');
    expect(await strokes()).not.toBe(before);
    await page.keyboard.press('Enter');
    expect(await ground(page)).toBe('rgb(255, 255, 255)');
    expect(await strokes()).toBe(before);
  });

  it('show another load when it is chosen, and say which to those who do not see it', async () => {
    const page = await open('result.html', 'desk', 'dark');
    const plot = page.locator('#plot-latency');
    const before = await plot
      .locator('canvas')
      .evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
    await plot.locator('select').selectOption({ label: 'voice, 1000 peers (open loop)' });
    expect(await plot.locator('.canvas').getAttribute('aria-label')).toContain('voice, 1000 peers');
    expect(
      await plot.locator('canvas').evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL()),
    ).not.toBe(before);
    expect(await plot.locator('details table').count()).toBe(6);
    expect(complaints).toEqual([]);
  });

  it('draw anew at another width', async () => {
    const page = await open('result.html', 'desk', 'light');
    await page.setViewportSize(SIZES.phone);
    await page.waitForFunction(() => document.querySelector('canvas')!.clientWidth < 390);
    expect(await overflow(page)).toBe(0);
  });

  it('show no plot without points, and no section without content', async () => {
    const page = await open('minimal.html', 'phone', 'light');
    expect(await page.locator('figure').count()).toBe(0);
    expect(await page.locator('h2').allTextContents()).toEqual(['Figures', 'Machine', 'How to read this']);
    expect(await overflow(page)).toBe(0);
    expect(complaints).toEqual([]);
  });
});
