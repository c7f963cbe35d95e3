import type { TestCase, TestModule, Reporter, Vitest } from 'vitest/node';

interface Skipped {
  file: string;
  name: string;
  reason: string;
}

/**
 * Lists every skipped test with its reason at the end of a run. With `REQUIRE_ALL=1` in the environment, a skipped test fails the run.
 * Tests that `-t NAME` leaves out do not count as skipped.
 */
export default class SkipReporter implements Reporter {
  private vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const pattern = this.vitest?.getGlobalTestNamePattern();
    const listed = modules
      .flatMap((module) => [...module.children.allTests('skipped')].map((test) => describeSkip(module, test)))
      .filter(({ name }) => pattern === undefined || pattern.test(name.replaceAll(' > ', ' ')));
    if (listed.length === 0) return;
    const required = process.env['REQUIRE_ALL'] === '1';
    const lines = listed.map(({ file, name, reason }) => `   ${file} > ${name}\n     ${reason}`);
    const end = required ? ['   REQUIRE_ALL=1 forbids skipped tests, so the run failed.'] : [];
    this.vitest?.logger.log([` Skipped tests: ${listed.length}`, ...lines, ...end, ''].join('\n'));
    if (required) process.exitCode = 1;
  }
}

function describeSkip(module: TestModule, test: TestCase): Skipped {
  return { file: module.relativeModuleId, name: test.fullName, reason: reasonOf(test) };
}

/** The note of `context.skip(note)`, or else the reason in the options of the test or of the nearest suite around it. */
function reasonOf(test: TestCase): string {
  const result = test.result();
  if (result.state === 'skipped' && result.note !== undefined) return result.note;
  for (let task: TestCase | TestCase['parent'] = test; task.type !== 'module'; task = task.parent) {
    const { skipReason } = task.meta();
    if (skipReason !== undefined) return skipReason;
  }
  return test.options.mode === 'run' ? 'a hook before its suite failed' : 'no reason given';
}
