import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const names = readdirSync('test', { recursive: true, encoding: 'utf8' }).map((name) => join('test', name).replaceAll('\\', '/'));
const files = names.filter((name) => name.endsWith('.test.ts'));

/**
 * Whether a test file needs its own process: it starts programs, opens a specific engine, counts all tensors, replaces modules, or
 * changes global state that other files in the same process would see. All other files share processes, so that each process loads
 * TensorFlow and the libraries once.
 */
const needsOwnProcess = (name: string): boolean =>
  /^test\/(app\/(api|cli|ui)|durability|faults|science\/engine|activities\/compute)\//.test(name) || /vi\.(mock|doMock|resetModules|stub)|process\.(env\[|chdir|on)|Runtime\.install|ownNamespace|'wasm'|playwright/.test(readFileSync(name, 'utf8'));
const own = files.filter(needsOwnProcess);

/** Long tests that mostly wait start first, so that none of them runs alone at the end. The others with their own process follow. */
const first = ['test/faults/', 'test/durability/', 'test/app/cli/schedule/', 'test/app/cli/'];
class LongFirst extends BaseSequencer {
  override sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number => {
      const place = first.findIndex((folder) => moduleId.includes(`/${folder}`));
      return place >= 0 ? place : project.config.isolate ? first.length : first.length + 1;
    };
    return Promise.resolve([...specifications].sort((a, b) => rank(a) - rank(b) || (a.moduleId < b.moduleId ? -1 : 1)));
  }
}

export default defineConfig({
  test: {
    // TensorFlow's native library cannot be loaded twice into one process from different threads.
    pool: 'forks',
    // Long tests wait more than they work, so three keep two cores busy.
    maxWorkers: 3,
    // With more threads, TensorFlow's threads mostly wait for each other.
    env: { TF_NUM_INTRAOP_THREADS: '1', TF_NUM_INTEROP_THREADS: '1' },
    // The second reporter lists skipped tests with their reasons.
    reporters: ['default', './test/helpers/skip-reporter.ts'],
    // Only for tests that hang. A busy machine may take ten times as long as an idle one.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    sequence: { sequencer: LongFirst },
    projects: [
      { extends: true, test: { name: 'own process', include: own, globalSetup: ['test/helpers/global-setup.ts'] } },
      { extends: true, test: { name: 'shared process', isolate: false, include: files.filter((name) => !own.includes(name)) } },
    ],
  },
});
