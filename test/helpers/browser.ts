import { findChromium } from '#setup/paths.mjs';

/**
 * Finds a browser for tests: the one of this machine, or else the one in the package `@sparticuz/chromium`, which exists only for
 * Linux on x64. Undefined on other machines without a browser.
 */
export async function findBrowser(): Promise<string | undefined> {
  const found = findChromium();
  if (found !== undefined || process.platform !== 'linux' || process.arch !== 'x64') return found;
  const { default: packaged } = await import('@sparticuz/chromium');
  return packaged.executablePath();
}
