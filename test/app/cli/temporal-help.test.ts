import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isStartHelp } from '../../../app/cli/temporal.js';
import { startHelp } from '../../../app/cli/temporal-workflow-start.js';
import { runProgram } from './run-program.js';

describe('which calls of `temporal` ask about `workflow start`', () => {
  it.each([
    ['workflow start --help', true],
    ['workflow start -h', true],
    ['--help workflow start', true],
    ['help workflow start', true],
    ['--namespace=lab workflow start -h', true],
    // Here `-h` could be the value of the option before it.
    ['workflow start --type t --task-queue q --input -h', false],
    ['workflow start --type t -- --help', false],
    ['workflow start --type t --task-queue q', false],
    ['workflow execute --help', false],
    ['workflow --help', false],
    ['help workflow', false],
    ['--help', false],
  ])('%s: %s', (line, asks) => expect(isStartHelp(line.split(' '))).toBe(asks));
});

it('the help shows --pipeline and what comes with it', () => {
  const help = startHelp();
  for (const option of ['--pipeline <file>', '--locked [lock]', '--set <path=value>', '--state <folder>', '--task-queue <name>', '--address <host:port>', '--json']) {
    expect(help).toContain(option);
  }
});

describe('`temporal workflow start --help`', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'help-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  // A stand-in for the real CLI.
  const real = path.join(folder, 'temporal');
  writeFileSync(real, '#!/bin/sh\necho "real help of $*"\necho aside >&2\nexit 5\n');
  chmodSync(real, 0o755);
  const env = { PATH: `${folder}${path.delimiter}${process.env['PATH'] ?? ''}` };

  it('shows our help above the real one, and ends with its exit code', async () => {
    const ended = await runProgram('temporal', ['workflow', 'start', '--help'], { env, cwd: folder });
    expect(ended).toEqual({ code: 5, signal: null, stdout: `${startHelp()}real help of workflow start --help\n`, stderr: 'aside\n' });
  });

  it('leaves other help to the real CLI', async () => {
    const ended = await runProgram('temporal', ['workflow', 'execute', '--help'], { env, cwd: folder });
    expect(ended).toEqual({ code: 5, signal: null, stdout: 'real help of workflow execute --help\n', stderr: 'aside\n' });
  });
});
