/**
 * Takes a picture of the upper part of a page, for README and docs. Uses Chromium on the PATH or in CHROMIUM, otherwise that of the
 * package `@sparticuz/chromium`.
 *
 * usage: node tools/make-screenshot.mjs PAGE.html|ADDRESS PICTURE.png [WIDTHxHEIGHT] [light|dark]
 *
 * `docs/report.png` shows the report of the demo, `docs/sweep.png` that of `pipelines/sweeps/methods.yaml`, 1240x1400. `docs/ui.png`
 * shows the address that `temporal-pipeline ui` prints, with /runs/ID in front of ?token=..., while the demo runs with
 * `--set rebuild.strategy=best --set calibration.samples=224`.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { findChromium } from './setup/paths.mjs';

const [page, picture, size = '1240x1180', colorScheme = 'light'] = process.argv.slice(2);
if (page === undefined || picture === undefined) throw new Error('usage: make-screenshot.mjs PAGE.html PICTURE.png');
const executablePath = findChromium() ?? (await import('@sparticuz/chromium').then(({ default: packaged }) => packaged.executablePath(), () => undefined));
if (executablePath === undefined) throw new Error('no Chromium found: install one (apt-get install chromium), or set CHROMIUM to its path');
const [width, height] = size.split('x').map(Number);
// Chromium's sandbox does not work for root, and containers run as root.
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  const tab = await browser.newPage({ viewport: { width, height }, colorScheme });
  await tab.goto(/^https?:/.test(page) ? page : pathToFileURL(resolve(page)).href);
  await tab.screenshot({ path: picture });
} finally {
  await browser.close();
}
console.log(resolve(picture));
