/** What a user gets who clones this repository: HEAD in an empty folder, with nothing beside it. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packagesInstalled } from '#setup/packages.mjs';
import { packageRoot } from '#setup/paths.mjs';
import { where } from '../helpers/needs.js';

/** One test file for every kind of parity. Families run on the engine that every machine has. */
const parity = [
  'test/science/methods/golden.test.ts', 'test/science/evaluation/zero-shot-golden.test.ts', 'test/science/evaluation/perplexity.test.ts',
  'test/files/datasets/tokenizer.test.ts', 'test/files/masks/golden.test.ts', 'test/science/models/families.wasm.test.ts',
];

const checkout = { met: existsSync(path.join(packageRoot, '.git')), reason: 'not a git checkout, so there is no HEAD to clone' };

interface Counts {
  success: boolean;
  numPassedTests: number;
  numPendingTests: number;
  testResults: { name: string; status: string }[];
}

describe('a clone of HEAD with nothing beside it', where(checkout), () => {
  let folder: string;
  let clone: string;
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs a program in the clone, without the environment variables that this Vitest has set. @throws with its output if it fails */
  async function run(words: string[]): Promise<void> {
    const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV|TEST$|npm_)/.test(name));
    const child = spawn(process.execPath, words, { cwd: clone, env: { ...Object.fromEntries(own), NO_COLOR: '1', REQUIRE_ALL: '1' } });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    const code = await new Promise((resolve) => child.on('close', resolve));
    if (code !== 0) throw new Error(`${words.join(' ')}: exit code ${String(code)}\n${said}`);
  }

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'clone-'));
    clone = path.join(folder, 'llm-barber-pipeline');
    execFileSync('git', ['clone', '--quiet', '--depth', '1', `file://${packageRoot}`, clone], { stdio: ['ignore', 'ignore', 'pipe'] });
    await linkPackages(clone);
    await run(['tools/setup.mjs', '--tests']);
  }, 1_200_000);

  it('runs and passes all parity tests', async () => {
    expect(readdirSync(folder)).toEqual(['llm-barber-pipeline']);
    const report = path.join(folder, 'report.json');
    await run(['node_modules/vitest/vitest.mjs', 'run', '--reporter=json', `--outputFile=${report}`, '--reporter=./test/helpers/skip-reporter.ts', ...parity]);
    const { success, numPassedTests, numPendingTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as Counts;
    expect({ success, numPendingTests }).toEqual({ success: true, numPendingTests: 0 });
    expect(testResults.map(({ name }) => path.relative(clone, name)).sort()).toEqual([...parity].sort());
    expect(numPassedTests).toBeGreaterThan(60);
  });

  it('stays as it was cloned, since set-up and tests make only ignored files', () => {
    expect(execFileSync('git', ['status', '--porcelain'], { cwd: clone, encoding: 'utf8' })).toBe('');
  });
});

/**
 * Hard-links the packages of this checkout if HEAD has the same lock file. `npm ci` would take half a minute, and set-up has run it
 * here already. The other steps of set-up (engine, build) run in the clone.
 */
async function linkPackages(clone: string): Promise<void> {
  const lock = (root: string): Buffer => readFileSync(path.join(root, 'package-lock.json'));
  if (!packagesInstalled(packageRoot) || !lock(packageRoot).equals(lock(clone))) return;
  const copy = spawn('cp', ['-al', path.join(packageRoot, 'node_modules'), clone], { stdio: 'ignore' });
  const code = await new Promise((resolve) => copy.on('close', resolve).on('error', resolve));
  // Another file system, or a `cp` without links: set-up then installs the packages.
  if (code !== 0) rmSync(path.join(clone, 'node_modules'), { recursive: true, force: true });
}
