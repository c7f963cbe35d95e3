import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { addGlobalOptions, globalOptions } from '../../../app/cli/options.js';
import type { Plan } from '../../../app/planning/index.js';
import { secondsText } from '../../../app/cli/plan/text.js';
import { llama7bConfig } from '../planning/llama7b.js';
import { runProgram } from './run-program.js';

const text = `
version: 1
name: large
model: { source: ./model }
stages:
  - calibration: { dataset: { name: c4 }, samples: 128, sequenceLength: 2048 }
  - initialMask: { method: sparsegpt, sparsity: 0.5 }
  - rebuild: {}
`;

describe('plan', () => {
  let folder = '';
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'plan-'));
    await mkdir(path.join(folder, 'model'));
    writeFileSync(path.join(folder, 'model', 'config.json'), JSON.stringify(llama7bConfig));
    writeFileSync(path.join(folder, 'large.yaml'), text);
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const plan = (...words: string[]) => runProgram('temporal-pipeline', ['plan', path.join(folder, 'large.yaml'), '--state', path.join(folder, 'state'), ...words]);

  it('predicts costs for a model without weights, and measures an idle machine once', async () => {
    const first = await plan('--json');
    expect(first.code).toBe(0);
    expect(first.stderr).toContain('Measuring this machine');
    const told = JSON.parse(first.stdout) as Plan & { model: { parameters: number; weights: boolean }; machine: { origin: string; busy?: string }; fits: boolean };
    expect(told.model).toMatchObject({ parameters: 6_738_415_616, weights: false });
    expect(told.stages.map(({ type }) => type)).toEqual(['calibration', 'initialMask', 'rebuild', 'outputs', 'proof']);

    const second = await plan();
    // Other tests may run at the same time. A busy machine is measured again.
    const isBusy = told.machine.busy !== undefined;
    expect(first.stderr.includes('Warning: this machine is busy')).toBe(isBusy);
    expect(second.stderr.includes('Measuring')).toBe(isBusy);
    expect(second.stdout.includes(told.machine.origin)).toBe(!isBusy);
    expect(second.stdout).toMatch(/llama, 32 layers, 6740 million weights, 12\.6 GiB \(config\.json only\)/);
    expect(second.stdout).toMatch(/rebuild \(guarded\) +33 /);

    const renewed = await plan('--json', '--calibrate', '--set', 'calibration.samples=1000000');
    const again = JSON.parse(renewed.stdout) as typeof told;
    expect(again.machine.origin).not.toBe(told.machine.origin);
    expect(again.fits).toBe(false);
  });

  it('predicts for a GPU that is not here, and says that it is a model', async () => {
    const { stdout, code } = await plan('--device', 'h100');
    expect(code).toBe(0);
    expect(stdout).toContain('gpu: NVIDIA H100 SXM');
    expect(stdout).toContain('46900 GFLOP/s (modelled as 70 % of the published peaks of NVIDIA H100 SXM)');
    expect(stdout).toMatch(/free here .* 74\.5 GiB/);
    const unknown = await plan('--device', 'h1000');
    expect(unknown.code).not.toBe(0);
    expect(unknown.stderr).toContain('Allowed choices are a100, h100, h200, l40s');
  });

  it('refuses windows that the model cannot read, as a run does', async () => {
    const { code, stderr } = await plan('--set', 'calibration.sequenceLength=100000');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^calibration\.sequenceLength: 100000 tokens are more than the model's positions; expected at most \d+/);
  });

  it('names the file that a model lacks', async () => {
    const { code, stderr } = await plan('--set', `model.source=${folder}/none`);
    expect(code).not.toBe(0);
    expect(stderr).toContain(`${folder}/none/config.json`);
  });
});

it('passes --no-admission to the processes that it starts', () => {
  vi.stubEnv('LLM_BARBER_ADMISSION', undefined);
  const parse = (...words: string[]): string | undefined => {
    globalOptions(addGlobalOptions(new Command()).parse(words, { from: 'user' }));
    return process.env['LLM_BARBER_ADMISSION'];
  };
  expect(parse()).toBeUndefined();
  expect(parse('--no-admission')).toBe('off');
  vi.unstubAllEnvs();
});

it('formats times for people', () => {
  expect([3.21, 42.4, 600, 7000, 400_000].map(secondsText)).toEqual(['3.2 s', '42 s', '10 min', '1.9 h', '111 h']);
});
