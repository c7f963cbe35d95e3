import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { isBuilt } from './run-program.js';

const folder = mkdtempSync(path.join(tmpdir(), 'output-'));
afterAll(() => rmSync(folder, { recursive: true }));
const program = path.resolve('cli/bin/temporal-pipeline.mjs');
const pipeline = path.resolve('pipelines/demo.yaml');

/** Runs a line of the shell, in which `pipeline` and `temporal` are our programs. Gives what it wrote to stderr. */
async function shell(line: string): Promise<{ code: number; stderr: string }> {
  const functions = `pipeline() { "${process.execPath}" "${program}" "$@"; }; temporal() { "${process.execPath}" "${path.resolve('cli/bin/temporal.mjs')}" "$@"; };`;
  // A state of its own, in which nothing has run.
  const env = { ...process.env, LLM_BARBER_STATE: path.join(folder, 'state'), TEMPORAL_ADDRESS: '' };
  return await promisify(execFile)('bash', ['-c', `${functions} ${line}`], { cwd: folder, env }).then(
    ({ stderr }) => ({ code: 0, stderr }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
  );
}

const printing = ['--version', '--help', `validate ${pipeline}`, `validate ${pipeline} --json`, 'list --json', 'sweep list', 'schedule list --json', 'store list --json', 'store verify', `sweep validate ${path.resolve('pipelines/sweeps/demo.yaml')}`];

describe.skipIf(!isBuilt)('output (skipped without a build)', () => {
  it.skipIf(!existsSync('/dev/full')).each(printing)('%s: a result that cannot be written is a failure', async (line) => {
    const { code, stderr } = await shell(`pipeline ${line} > /dev/full`);
    expect(stderr).toMatch(/^The result could not be written to stdout: ENOSPC/m);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
  });

  it.skipIf(!existsSync('/dev/full'))('a command that fails anyhow keeps its exit code', async () => {
    const { code, stderr } = await shell('pipeline validate nothing.yaml --json > /dev/full');
    expect(stderr).toContain('could not be written');
    expect(code).toBe(2);
  });

  it('a file that only a part fits into is a failure', async () => {
    // The limit stands for a disk that is nearly full: the system writes the first 1,024 bytes, and says so.
    const { code, stderr } = await shell('ulimit -f 1; pipeline --help > help.txt');
    expect(readFileSync(path.join(folder, 'help.txt'))).toHaveLength(1024);
    expect(stderr).toContain('could not be written to stdout: EFBIG');
    expect(code).toBe(1);
  });

  it.each(['--help', `validate ${pipeline} --json`, 'list --json', 'store list'])('%s: a reader that has gone is no failure', async (line) => {
    expect(await shell(`set -o pipefail; pipeline ${line} | head -c 0`)).toEqual({ code: 0, stderr: '' });
  });

  it.each([128, 256])('with %d file handles nothing of it changes', async (handles) => {
    for (const line of ['--help', `validate ${pipeline}`, 'list', 'store list']) {
      const usual = path.join(folder, 'usual.txt');
      const few = path.join(folder, 'few.txt');
      expect(await shell(`pipeline ${line} > "${usual}"; ulimit -n ${handles}; pipeline ${line} > "${few}"`)).toEqual({ code: 0, stderr: '' });
      expect(readFileSync(few, 'utf8')).toBe(readFileSync(usual, 'utf8'));
    }
  });
});
