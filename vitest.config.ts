import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const names = readdirSync('test', { recursive: true, encoding: 'utf8' }).map((name) => join('test', name).replaceAll('\\', '/'));
const files = names.filter((name) => name.endsWith('.test.ts'));

/**
 * Starts programs, opens an engine of its own choice, counts all tensors, replaces modules, or changes what other files of its
 * process would see.
 * All other files share the processes that they run in, so that each process loads TensorFlow and the libraries once.
 */
const needsOwnProcess = (name: string): boolean =>
  /^test\/(app\/(api|cli|ui)|durability|faults|science\/engine|activities\/compute)\//.test(name) || /vi\.(mock|doMock|resetModules|stub)|process\.(env\[|chdir|on)|Runtime\.install|ownNamespace|'wasm'|playwright/.test(readFileSync(name, 'utf8'));
const own = files.filter(needsOwnProcess);

/** Long ones that mostly wait come first, so that none of them is left alone at the end; then the others with a process of their own. */
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
    // The long ones wait more than they work: three keep two cores busy.
    maxWorkers: 3,
    // With more, TensorFlow's threads wait for each other more than they work.
    env: { TF_NUM_INTRAOP_THREADS: '1', TF_NUM_INTEROP_THREADS: '1' },
    // The second one lists skipped tests with their reasons.
    reporters: ['default', './test/helpers/skip-reporter.ts'],
    // For what hangs. A machine that is busy with something else takes ten times as long as a quiet one.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    sequence: { sequencer: LongFirst },
    projects: [
      { extends: true, test: { name: 'own process', include: own, globalSetup: ['test/helpers/global-setup.ts'] } },
      { extends: true, test: { name: 'shared process', isolate: false, include: files.filter((name) => !own.includes(name)) } },
    ],
  },
});
