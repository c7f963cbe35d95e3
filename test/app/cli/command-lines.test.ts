import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { demoFolder } from '../../helpers/demo-run.js';
import { runCommand } from './run-command.js';
import { runProgram } from './run-program.js';

const folder = mkdtempSync(path.join(tmpdir(), 'lines-'));
afterAll(() => rmSync(folder, { recursive: true }));
const bad = path.join(folder, 'bad.yaml');
writeFileSync(bad, 'version: 1\nname: bad\nmodel: { source: ./model }\nstages:\n  - calibration: { datset: { file: ./a.txt }, samples: many }\n');
const good = path.join(demoFolder, '..', 'demo.yaml');
const state = path.join(folder, 'state');

describe('command lines', () => {
  it.each([
    ['an unknown command', ['frobnicate'], /unknown command 'frobnicate'/],
    ['a command of other programs', ['status'], /unknown command 'status'\n`list` shows all runs, and `watch` one of them\./],
    ['the same word in a group of commands', ['store', 'status'], /^error: unknown command 'status'\n\(--help/],
    ['a file without a command', ['my.yaml'], /A file needs a command, such as `run my\.yaml`/],
    ['a sweep without its command', ['sweep', 'my.yaml'], /A file needs a command, .*`sweep run my\.yaml`/],
    ['a time that is none', ['list', '--since', 'yesterday'], /--since yesterday is not a duration and not a time; .*2026-01-31/],
    ['an unknown option', ['run', good, '--fast'], /unknown option '--fast'/],
    ['no file', ['run'], /missing required argument 'file'/],
    ['a file that is not there', ['run', path.join(folder, 'nix.yaml')], /nix\.yaml: no such file/],
    ['an override of something unknown', ['validate', good, '--set', 'speed=9'], /--set speed=9: unknown key/],
    ['a state folder that is a file', ['run', good, '--state', bad], /cannot be used as the state folder/],
    ['start of a wrong file', ['start', bad], /bad\.yaml:5:/],
  ])('with %s: ends with exit code 2 and the error, without a stack trace', async (_, words, message) => {
    const { code, stdout, stderr } = await runCommand(['--state', state, ...words]);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('validate shows every problem with line and column', async () => {
    const { code, stderr } = await runCommand(['validate', bad]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/bad\.yaml:5:20: .*`datset`.*`dataset`/);
    expect(stderr).toMatch(/bad\.yaml:5:\d+: .*many/);
  });

  it('validate describes a valid file', async () => {
    const { code, stdout } = await runCommand(['validate', good, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ valid: true, name: 'demo', stages: ['calibration', 'initialMask', 'rebuild', 'evaluation'], problems: [] });
  });

  it('--json reports a wrong command line as one object too', async () => {
    const { code, stdout } = await runCommand(['run', bad, '--json', '--state', state]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'failed', error: { type: 'PipelineFileError' } });
  });

  it('list creates nothing if nothing has run, and start says that there is no server', async () => {
    const listed = await runCommand(['list', '--state', state]);
    expect(listed).toMatchObject({ code: 0, stdout: expect.stringContaining('No pipeline has run yet') as string });
    const started = await runProgram('temporal', ['workflow', 'start', '--pipeline', good, '--state', state]);
    expect(started).toMatchObject({ code: 1, stderr: expect.stringContaining('temporal-pipeline worker') as string });
    expect(existsSync(state)).toBe(false);
  });

  it('help and version are not errors', async () => {
    expect((await runProgram('temporal-pipeline', ['--version'])).code).toBe(0);
    const help = await runCommand(['run', '--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('--state <folder>');
  });
});
