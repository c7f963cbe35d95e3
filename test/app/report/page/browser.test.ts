/**
 * Pages in a real browser: nothing is wider than the window, nothing is requested, and they are accessible.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderComparePage } from '../../../../app/report/page/compare-page.js';
import { renderRunPage } from '../../../../app/report/page/run-page.js';
import { renderSweepPage } from '../../../../app/report/page/sweep-page.js';
import { compareView } from '../../../../app/report/view/compare-view.js';
import { findBrowser } from '../../../helpers/browser.js';
import { exampleCompared } from '../example-compared.js';
import { exampleSweep } from '../example-sweep.js';
import { exampleRequest } from './example-request.js';

const executablePath = await findBrowser();
const skipReason = 'no Chromium on this machine: install one (apt-get install chromium), or name one in CHROMIUM';

const pages: readonly { what: string; images: number; draw: () => Promise<string> }[] = [
  { what: 'run', images: 12, draw: () => renderRunPage(exampleRequest(3)) },
  { what: 'sweep', images: 0, draw: () => renderSweepPage({ table: exampleSweep, noun: 'sweep', about: '', files: ['report.md'] }) },
  { what: 'comparison', images: 0, draw: () => renderComparePage(compareView(exampleCompared), ['a/report.html', 'b/report.html']) },
];

describe.each(pages)('the page of $what in a browser', { skip: executablePath === undefined, meta: { skipReason } }, ({ what, images, draw }) => {
  let browser: Browser;
  let html: string;
  let axe: string;
  beforeAll(async () => {
    // Chromium's own sandbox does not work for root, which containers run as. The page is our own.
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    html = await draw();
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  });
  afterAll(() => browser.close());

  // Code that runs in the page is passed as text, because tests are compiled for Node, which has no document.
  const open = async (width: number, colorScheme: 'light' | 'dark'): Promise<{ page: Page; complaints: string[] }> => {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => { if (!request.url().startsWith('data:')) complaints.push(`asked for ${request.url()}`); });
    await page.setContent(html);
    return { page, complaints };
  };
  const openAll = (page: Page) => page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })");

  it.each([375, 768, 1240])('fits a window of %d px with all sections opened', async (width) => {
    const { page, complaints } = await open(width, 'light');
    await openAll(page);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    // All images are drawn.
    expect(await page.evaluate('[...document.images].filter(({ naturalWidth }) => naturalWidth > 0).length')).toBe(images);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it.each(['light', 'dark'] as const)('passes axe in the %s scheme, contrast included', async (scheme) => {
    const { page } = await open(1240, scheme);
    await openAll(page);
    await page.evaluate(axe);
    const faults = await page.evaluate(async () => {
      const { violations } = await (globalThis as unknown as { axe: typeof import('axe-core') }).axe.run();
      return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 150)} ${node.failureSummary ?? ''}`));
    });
    expect(faults).toEqual([]);
    await page.close();
  });

  if (what === 'run') it('shows collapsed sections in print', async () => {
    const { page } = await open(800, 'light');
    // Reading the position first makes the browser lay out the page for the current medium.
    const seen = () => page.evaluate(`(() => {
      const folded = document.querySelector('details pre');
      folded.getBoundingClientRect();
      return folded.checkVisibility({ contentVisibilityAuto: true });
    })()`);
    expect(await seen()).toBe(false);
    await page.emulateMedia({ media: 'print' });
    expect(await seen()).toBe(true);
    await page.close();
  });

  if (what === 'sweep') it('sorts members by a column, with missing numbers last, and announces it', async () => {
    const { page, complaints } = await open(1240, 'light');
    const heading = page.getByRole('button', { name: 'rebuilt on a' });
    const column = (name: string): Promise<string[]> => page.evaluate(`(() => {
      const [...heads] = document.querySelectorAll('table.sort thead th');
      const at = heads.findIndex(({ textContent }) => textContent === ${JSON.stringify(name)});
      return [...document.querySelectorAll('table.sort tbody tr')].map((row) => row.cells[at].textContent);
    })()`);
    await heading.click();
    expect(await column('rebuilt on a')).toEqual(['4.25', '4.3', '4.8', '5', '7', '', '', '']);
    await heading.click();
    expect(await column('rebuilt on a')).toEqual(['7', '5', '4.8', '4.3', '4.25', '', '', '']);
    expect(await page.getByRole('columnheader', { name: 'rebuilt on a' }).getAttribute('aria-sort')).toBe('descending');
    await page.getByRole('button', { name: 'status' }).click();
    expect(await column('status')).toEqual(['done', 'done', 'done', 'done', 'failed', 'gateFailed', 'skipped', 'waiting']);
    expect(complaints).toEqual([]);
    await page.close();
  });
});
