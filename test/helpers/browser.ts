import { findChromium } from '#setup/places.mjs';

/**
 * A browser for tests: this machine's, else the one in the package `@sparticuz/chromium`, which is for Linux on x64 only. Undefined on other
 * machines without a browser.
 */
export async function findBrowser(): Promise<string | undefined> {
  const found = findChromium();
  if (found !== undefined || process.platform !== 'linux' || process.arch !== 'x64') return found;
  const { default: packaged } = await import('@sparticuz/chromium');
  return packaged.executablePath();
}
