import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/helpers/skips/cases.ts'], reporters: ['default', './test/helpers/skip-reporter.ts'] },
});
