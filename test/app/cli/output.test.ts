import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { programPath } from '#setup/paths.mjs';
import { needs, where } from '../../helpers/needs.js';
import { requireBuild } from '../../helpers/set-up.js';

requireBuild();

const folder = mkdtempSync(path.join(tmpdir(), 'output-'));
afterAll(() => rmSync(folder, { recursive: true }));
const program = path.resolve('app/cli/bin/temporal-pipeline.mjs');
const pipeline = path.resolve('pipelines/demo.yaml');

/** Runs a shell command in which `pipeline` is our program. Returns its exit code and stderr. */
async function shell(line: string): Promise<{ code: number; stderr: string }> {
  const ours = `pipeline() { "${process.execPath}" "${program}" "$@"; };`;
  // Its own state folder, in which nothing has run.
  const env = { ...process.env, LLM_BARBER_STATE: path.join(folder, 'state'), TEMPORAL_ADDRESS: '' };
  return await promisify(execFile)('bash', ['-c', `${ours} ${line}`], { cwd: folder, env }).then(
    ({ stderr }) => ({ code: 0, stderr }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
  );
}

const printing = ['--help', `validate ${pipeline}`, `validate ${pipeline} --json`, 'list --json', 'store verify', 'mask diff --help'];

describe('output', () => {
  it.each(printing)('%s: fails if the result cannot be written', where(needs.linux), async (line) => {
    const { code, stderr } = await shell(`pipeline ${line} > /dev/full`);
    expect(stderr).toMatch(/^The result could not be written to stdout: ENOSPC/m);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
  });

  it('keeps the exit code of a failed command', where(needs.linux), async () => {
    const { code, stderr } = await shell('pipeline validate nothing.yaml --json > /dev/full');
    expect(stderr).toContain('could not be written');
    expect(code).toBe(2);
  });

  it('fails if a file takes only a part of the output', async () => {
    // The limit imitates a disk that is nearly full: the system writes only the first 1,024 bytes, and says so.
    const { code, stderr } = await shell('ulimit -f 1; pipeline --help > help.txt');
    expect(readFileSync(path.join(folder, 'help.txt'))).toHaveLength(1024);
    expect(stderr).toContain('could not be written to stdout: EFBIG');
    expect(code).toBe(1);
  });

  it.each([`validate ${pipeline} --json`, 'store list'])('%s: does not fail if the reader has gone', async (line) => {
    expect(await shell(`set -o pipefail; pipeline ${line} | head -c 0`)).toEqual({ code: 0, stderr: '' });
  });

  it('needs at most 128 file handles for commands, worker and compute process', async () => {
    for (const line of ['--help', `validate ${pipeline}`, 'list']) {
      expect(await shell(`ulimit -n 128; pipeline ${line} > printed.txt`)).toEqual({ code: 0, stderr: '' });
      expect(readFileSync(path.join(folder, 'printed.txt'), 'utf8')).not.toBe('');
    }
    // The program has loaded everything that it needs by the time it finds no server.
    const worker = await shell('ulimit -n 128; export TEMPORAL_ADDRESS=127.0.0.1:1; pipeline worker');
    expect(worker.stderr).toContain('no Temporal server answers on 127.0.0.1:1');
    expect(worker.code).toBe(1);
    expect(await shell(`ulimit -n 128; "${process.execPath}" "${programPath('compute')}" state`)).toEqual({ code: 0, stderr: '' });
  });
});
