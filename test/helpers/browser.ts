import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/**
 * A browser of Chromium's kind: the file that CHROMIUM names, else one on the PATH, else the one in the package `@sparticuz/chromium`, which is for
 * Linux on x64 only. Undefined on other machines without a browser.
 */
export async function findChromium(): Promise<string | undefined> {
  const named = process.env['CHROMIUM'];
  if (named !== undefined) return named;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const onPath = folders.flatMap((folder) => names.map((name) => join(folder, name))).find(existsSync);
  if (onPath !== undefined || process.platform !== 'linux' || process.arch !== 'x64') return onPath;
  const { default: packaged } = await import('@sparticuz/chromium');
  return packaged.executablePath();
}
