import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { markInstalled, packagesInstalled } from '#setup/packages.mjs';

test('installs packages again exactly when the lock file changes or node_modules is missing', () => {
  const root = mkdtempSync(join(tmpdir(), 'llm-barber-packages-'));
  const lock = (text: string) => writeFileSync(join(root, 'package-lock.json'), text);
  lock('{}');
  expect(packagesInstalled(root)).toBe(false);
  mkdirSync(join(root, 'node_modules'));
  expect(packagesInstalled(root)).toBe(false);
  markInstalled(root);
  expect(packagesInstalled(root)).toBe(true);
  lock('{ }');
  expect(packagesInstalled(root)).toBe(false);
  lock('{}');
  expect(packagesInstalled(root)).toBe(true);
  rmSync(join(root, 'node_modules'), { recursive: true });
  expect(packagesInstalled(root)).toBe(false);
  rmSync(root, { recursive: true });
});
