/**
 * A picture of the upper part of a page, for README and docs: needs Chromium on the PATH, or its path in CHROMIUM.
 *
 * usage: node tools/make-screenshot.mjs PAGE.html|ADDRESS PICTURE.png [WIDTHxHEIGHT]
 *
 * `docs/ui.png` is the address that `temporal-pipeline ui` prints, with /runs/ID in front of ?token=..., while the demo runs with
 * `--set rebuild.strategy=best --set calibration.samples=224`.
 */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findChromium } from './setup/places.mjs';

const [page, picture, size = '1240x1180'] = process.argv.slice(2);
if (page === undefined || picture === undefined) throw new Error('say which page and which picture: make-screenshot.mjs PAGE.html PICTURE.png');
const chromium = findChromium();
if (chromium === undefined) throw new Error('no Chromium found: install one (apt-get install chromium), or set CHROMIUM to its path');
execFileSync(chromium, [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', `--window-size=${size.replace('x', ',')}`,
  `--screenshot=${resolve(picture)}`, /^https?:/.test(page) ? page : pathToFileURL(resolve(page)).href,
], { stdio: 'ignore' });
console.log(resolve(picture));
