import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { identify } from '../../../app/cli/local/process-records.js';
import { recordServer } from '../../../app/cli/local/server-record.js';
import { isPipelineStart } from '../../../app/cli/temporal.js';
import { runProgram, startProgram } from './run-program.js';

describe('which calls of `temporal` we handle', () => {
  it.each([
    ['workflow start --pipeline a.yaml', true],
    ['workflow start --pipeline=a.yaml --json', true],
    ['--address h:1 workflow start -t q --pipeline a.yaml', true],
    ['workflow start --type pipeline --task-queue q', false],
    ['workflow list --query pipeline', false],
    ['schedule create --pipeline x', false],
    ['--version', false],
  ])('%s: %s', (line, ours) => expect(isPipelineStart(line.split(' '))).toBe(ours));
});

describe('other calls of `temporal`', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'shim-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  // A stand-in for the real CLI that prints what it was given.
  const real = path.join(folder, 'temporal');
  writeFileSync(
    real,
    `#!/bin/sh
echo "address=$TEMPORAL_ADDRESS"
for word in "$@"; do echo "<$word>"; done
trap 'exit 42' TERM
echo problem >&2
if [ "$1" = wait ]; then while :; do sleep 0.05; done; fi
if [ "$1" = die ]; then kill -9 $$; fi
exit 7
`,
  );
  chmodSync(real, 0o755);
  const env = { PATH: `${folder}${path.delimiter}${process.env['PATH'] ?? ''}` };

  it('reach the real CLI word for word, and return its output and exit code', async () => {
    const words = ['workflow', 'execute', '--input', '{"a": "b c"}', '', '--', '*'];
    const ended = await runProgram('temporal', words, { env, cwd: folder });
    expect(ended).toEqual({ code: 7, signal: null, stderr: 'problem\n', stdout: ['address=', ...words.map((word) => `<${word}>`), ''].join('\n') });
  });

  it('pass signals on, and end with the same signal', async () => {
    const waiting = startProgram('temporal', ['wait'], { env, cwd: folder });
    while (!waiting.said().includes('problem')) await sleep(20);
    waiting.process.kill('SIGTERM');
    expect((await waiting.ended).code).toBe(42);
    expect((await runProgram('temporal', ['die'], { env, cwd: folder })).signal).toBe('SIGKILL');
  });

  it('use the local server of this state folder unless another one is given', async () => {
    const state = path.join(folder, '.llm-barber');
    await recordServer(state, { ...identify(process.pid), port: 7999, uiPort: 8999 });
    const addressFor = async (words: string[], more: NodeJS.ProcessEnv = {}) => /address=(.*)/.exec((await runProgram('temporal', words, { env: { ...env, ...more }, cwd: folder })).stdout)?.[1];
    expect(await addressFor(['workflow', 'list'])).toBe('127.0.0.1:7999');
    expect(await addressFor(['workflow', 'list'], { TEMPORAL_ADDRESS: 'lab:7233' })).toBe('lab:7233');
    expect(await addressFor(['workflow', 'list', '--address', 'lab:7233'])).toBe('');
    expect(await addressFor(['workflow', 'list', '--profile=lab'])).toBe('');
    expect(await addressFor(['server', 'start-dev'])).toBe('');
    expect(await addressFor(['workflow', 'list'], { LLM_BARBER_STATE: path.join(folder, 'other') })).toBe('');
  });
});
