/**
 * `npm test` runs set-up, then all tests. Lint and type checks run at the same time, because many tests mostly wait.
 * `npm test -- PATH` runs only the test files of that path. Other arguments are passed to vitest.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { packageRoot } from './setup/paths.mjs';

const words = process.argv.slice(2);

/** Runs a program in the package's folder. Shows its output at once, or returns it if `quiet`. */
function run(program, args, { quiet = false } = {}) {
  const child = spawn(program, args, { cwd: packageRoot, stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit', shell: program === 'npm' && process.platform === 'win32' });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (said += text));
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ ok: false, said: `${program} cannot be started: ${error.message}\n` }));
    child.once('close', (code) => resolve({ ok: code === 0, said }));
  });
}

async function test() {
  if (!(await run(process.execPath, [join(packageRoot, 'tools', 'setup.mjs'), '--tests'])).ok) return false;
  const lint = words.length === 0 ? run('npm', ['run', '--silent', 'lint'], { quiet: true }) : undefined;
  // Resolved only now, because set-up may have just installed it.
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const tests = await run(process.execPath, [vitest, 'run', ...words]);
  const style = await lint;
  if (style !== undefined) process.stdout.write(style.ok ? 'Lint and types: no problems.\n' : `${style.said}Lint or types: problems, see above.\n`);
  return tests.ok && (style?.ok ?? true);
}

process.exitCode = (await test()) ? 0 : 1;
