/** The live view in a real browser, with runs whose layers wait for the test, and with a real run of the demo. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveUi } from '../../../app/ui/serve.js';
import { renderRunPage } from '../../../app/report/page/run-page.js';
import { findBrowser } from '../../helpers/browser.js';
import { demoFolder, temporaryState } from '../../helpers/demo-run.js';
import { ownNamespace } from '../../helpers/shared-server.js';
import { exampleRequest } from '../report/page/example-request.js';
import { runCommand } from '../cli/run-command.js';
import { startWorker } from '../cli/run-program.js';
import { startLiveServer, type LiveServer } from './live-server.js';

const executablePath = await findBrowser();
const skipReason = 'no Chromium on this machine: install one (apt-get install chromium), or name one in CHROMIUM';
/** A long timeout for the case that something hangs. The browser waits for events, not for fixed times. */
const patience = { timeout: 240_000 };

/** Opens a tab in a browser that has the cookie, and collects its complaints. */
async function openTab(context: BrowserContext, address: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await context.newPage();
  page.setDefaultTimeout(patience.timeout);
  const complaints: string[] = [];
  const { origin } = new URL(address);
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => { if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith('data:')) complaints.push(`asked for ${request.url()}`); });
  await page.goto(address);
  return { page, complaints };
}

const chartPoints = (page: Page): Promise<number> => page.locator('#errors svg path[transform]').count();
const said = (page: Page, text: string): Promise<void> => page.locator('#said', { hasText: text }).waitFor();
const state = (page: Page, word: string): Promise<void> => page.locator('#head .tag', { hasText: word }).waitFor();

describe('the live view in a browser', { skip: executablePath === undefined, meta: { skipReason } }, () => {
  let server: LiveServer;
  let browser: Browser;
  let context: BrowserContext;
  beforeAll(async () => {
    server = await startLiveServer('ui-browser');
    // Chromium's own sandbox does not work for root, which containers run as. The page is our own.
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    context = await browser.newContext();
    const { page } = await openTab(context, server.address);
    expect(new URL(page.url()).search).toBe('');
    await page.close();
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  it('grows with the run, pauses, resumes and cancels it, and survives a reload', async () => {
    const { page, complaints } = await openTab(context, `${server.origin}${await server.start('growing')}`);
    await state(page, 'running');
    server.allow(1);
    await page.locator('#errors', { hasText: '1 of 2 layers' }).waitFor();
    const points = await chartPoints(page);
    expect(points).toBe(2);

    await page.getByRole('button', { name: 'Pause' }).click();
    await said(page, 'Pausing once the layer in flight is finished.');
    await state(page, 'pausing');
    server.allow(2);
    await state(page, 'paused');
    await page.locator('#errors', { hasText: '2 of 2 layers' }).waitFor();
    const before = await page.locator('#errors').innerHTML();
    await page.reload();
    expect(await page.locator('#errors').innerHTML()).toBe(before);
    expect(await chartPoints(page)).toBe(4);

    await page.getByText('Cancel', { exact: true }).click();
    await page.getByRole('button', { name: 'Cancel the run' }).click();
    await said(page, 'Cancelling.');
    await state(page, 'cancelled');
    await page.locator('#happened', { hasText: 'asked to cancel' }).waitFor();

    // An open form stays open when a part of the page is replaced.
    await page.getByText('Retry', { exact: true }).click();
    await page.getByRole('button', { name: 'Start again' }).click();
    await said(page, 'Started again.');
    await state(page, 'done');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('shows the report as soon as it exists', async () => {
    server.allow(0);
    const { page, complaints } = await openTab(context, `${server.origin}${await server.start('reported')}`);
    await state(page, 'running');
    const folder = path.join(server.state, 'runs', 'reported');
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'report.html'), await renderRunPage(exampleRequest(3)));
    server.allow(2);
    await page.frameLocator('iframe').locator('h1', { hasText: 'example' }).waitFor();
    await page.getByText('stages and events').click();
    await page.locator('#happened', { hasText: 'done' }).waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('shows a running sweep, each member as it ends, and the whole result at the end', async () => {
    server.allow(0);
    const { page, complaints } = await openTab(context, `${server.origin}${await server.startSweep('swept')}`);
    await page.locator('#running', { hasText: 'sparsity=0.4' }).waitFor();
    server.allow(1);
    await page.locator('#running', { hasText: /[1-9]\d? %/ }).waitFor();
    expect(await page.locator('#sections table.sort tbody tr').count()).toBe(3);
    server.allow(2);
    await page.locator('h1', { hasText: 'done' }).waitFor();
    await page.locator('#head', { hasText: '✓ 3 done' }).waitFor();
    // 11 seconds of work at one euro per second.
    await page.locator('#numbers', { hasText: 'EUR' }).waitFor();
    await page.locator('#sections h2', { hasText: 'Perplexity on t.txt' }).first().waitFor();
    await page.getByRole('button', { name: 'sparsity found' }).click();
    await page.getByRole('link', { name: 'report.html' }).click();
    await page.locator('h1', { hasText: 'swept' }).waitFor();
    await page.goBack();
    await page.locator('table.sort').getByRole('link', { name: 'sparsity=0.5' }).click();
    await state(page, 'done');
    await page.goto(`${server.origin}/`);
    await page.locator('#families').getByRole('link', { name: 'swept' }).waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('says that the server does not answer, and recovers by itself', async () => {
    server.allow(0);
    const { page } = await openTab(context, `${server.origin}${await server.start('cut off')}`);
    await state(page, 'running');
    await server.outage.begin();
    const banner = page.locator('#connection', { hasText: 'The Temporal server does not answer.' });
    await banner.waitFor();
    const late = (await openTab(context, `${server.origin}/runs/growing`)).page;
    await late.locator('h1', { hasText: 'The Temporal server does not answer' }).waitFor();
    await server.outage.end();
    await banner.waitFor({ state: 'hidden' });
    server.allow(2);
    await state(page, 'done');
    await late.locator('h1', { hasText: 'growing' }).waitFor();
    await late.close();
    await page.close();
  });

  it('lists runs as they appear, keeps the selection, and finds a name', async () => {
    const { page, complaints } = await openTab(context, `${server.origin}/`);
    await page.getByLabel('compare growing').check();
    await server.start('later');
    await page.getByRole('link', { name: 'later' }).waitFor();
    expect(await page.getByLabel('compare growing').isChecked()).toBe(true);
    await page.goto(`${server.origin}/?name=GROW`);
    expect(await page.locator('#runs tbody tr').count()).toBe(1);
    expect(complaints).toEqual([]);
    await page.close();
  });

  describe.each(['/', '/sweeps/swept', '/runs/growing', '/runs/reported?live', '/runs/reported'])('%s', (at) => {
    it.each([375, 768, 1240])('fits a window of %d px', async (width) => {
      const { page, complaints } = await openTab(context, `${server.origin}${at}`);
      await page.setViewportSize({ width, height: 900 });
      await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      expect(complaints).toEqual([]);
      await page.close();
    });

    it.each(['light', 'dark'] as const)('passes axe in the %s scheme', async (scheme) => {
      const { page } = await openTab(context, `${server.origin}${at}`);
      await page.emulateMedia({ colorScheme: scheme });
      await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
      await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
      const faults = await page.evaluate(async () => {
        // Reports have their own test.
        const { violations } = await (globalThis as unknown as { axe: typeof import('axe-core') }).axe.run({ iframes: false } as never);
        return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 150)} ${node.failureSummary ?? ''}`));
      });
      expect(faults).toEqual([]);
      await page.close();
    });
  });
});

describe('a real run in a browser', { skip: executablePath === undefined, meta: { skipReason } }, () => {
  it('grows layer by layer, pauses, continues after a reload, and is cancelled', async () => {
    const { client, env } = await ownNamespace('ui-real');
    const { state: folder, remove } = await temporaryState();
    const worker = await startWorker(folder, { env });
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    const ui = await serveUi({
      client, place: 'here', temporalPage: () => undefined, options: { state: folder, store: undefined, taskQueue: '', set: [], allowFloating: false, json: false, verbose: false },
    }, 0);
    try {
      const context = await browser.newContext();
      await (await openTab(context, ui.address)).page.close();
      const long = ['calibration.samples=224', 'rebuild.strategy=best', 'rebuild.effort=10'].flatMap((word) => ['--set', word]);
      const started = await runCommand(['start', path.join(demoFolder, '..', 'demo.yaml'), '--state', folder, '--json', ...long], { env });
      const { workflowId } = JSON.parse(started.stdout) as { workflowId: string };
      const { page, complaints } = await openTab(context, `${new URL(ui.address).origin}/runs/${workflowId}`);
      await page.locator('#errors', { hasText: '1 of 4 layers' }).waitFor();
      const points = await chartPoints(page);
      expect(points).toBeGreaterThan(0);
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.locator('#head .tag', { hasText: /^paused$/ }).waitFor();
      const before = await page.locator('#errors').innerHTML();
      expect(await chartPoints(page)).toBeGreaterThan(points);
      await page.reload();
      expect(await page.locator('#errors').innerHTML()).toBe(before);
      await page.getByRole('button', { name: 'Resume' }).click();
      await state(page, 'running');
      await page.getByText('Cancel', { exact: true }).click();
      await page.getByRole('button', { name: 'Cancel the run' }).click();
      await state(page, 'cancelled');
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
      await ui.close();
      worker.process.kill('SIGTERM');
      await worker.ended;
      await client.connection.close();
      await remove();
    }
  });
});
