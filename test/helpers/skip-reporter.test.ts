import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

/** Runs the cases in `skips/` in a separate process, without the environment variables that this Vitest has set. */
function run(...[words, variables]: [string[], Record<string, string>]): { status: number | null; said: string } {
  const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|REQUIRE_ALL|NODE_ENV|TEST$)/.test(name));
  const env = { ...Object.fromEntries(own), NO_COLOR: '1', ...variables };
  const command = ['node_modules/vitest/vitest.mjs', 'run', '--root', '.', '--config', 'test/helpers/skips/vitest.config.ts', ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8', env });
  return { status, said: stdout + stderr };
}

const listed = `
 Skipped tests: 5
   test/helpers/skips/cases.ts > is skipped by its options: 1
     needs the moon
   test/helpers/skips/cases.ts > is skipped by its options: 2
     needs the moon
   test/helpers/skips/cases.ts > a suite > is skipped with its suite
     needs the moon
   test/helpers/skips/cases.ts > skips itself
     has seen enough
   test/helpers/skips/cases.ts > gives no reason
     no reason given
`;

it('lists every skipped test with its reason in the summary', () => {
  const { status, said } = run([], {});
  expect(said).toContain(listed);
  expect(status, said).toBe(0);
});

it('fails the run on a skipped test with REQUIRE_ALL=1', () => {
  const { status, said } = run([], { REQUIRE_ALL: '1' });
  expect(said).toContain(`${listed}   REQUIRE_ALL=1 forbids skipped tests`);
  expect(said).toMatch(/Tests +1 passed \| 5 skipped/);
  expect(status).toBe(1);
});

it('does not count tests that -t leaves out as skipped', () => {
  const { status, said } = run(['-t', '^runs'], { REQUIRE_ALL: '1' });
  expect(status, said).toBe(0);
  expect(said).not.toContain('Skipped tests');
});
