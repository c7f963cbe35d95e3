import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // TensorFlow's native library cannot be loaded twice into one process from different threads.
    pool: 'forks',
    maxWorkers: 2,
    // The second one lists skipped tests with their reasons.
    reporters: ['default', './test/helpers/skip-reporter.ts'],
    // For what hangs. A machine that is busy with something else takes ten times as long as a quiet one.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
