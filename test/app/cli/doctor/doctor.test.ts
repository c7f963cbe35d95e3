import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checks, type Surroundings } from '../../../../app/cli/doctor/checks.js';
import { examine, formatReports } from '../../../../app/cli/doctor/doctor.js';
import type { Probe } from '../../../../app/cli/doctor/probe.js';

const wasm = { backend: 'wasm', version: 'tfjs 4.22.0, wasm 4.22.0', device: 'cpu', threads: 1 } as const;

async function findingOf(name: string, surroundings: Partial<Surroundings> = {}) {
  const probe = (): Promise<Probe> => Promise.resolve({ problem: 'nothing opens' });
  const [report] = await examine(checks.filter((check) => check.name === name), { state: tmpdir(), probe, ...surroundings });
  return report;
}

describe('the engine in use', () => {
  test('is reported with its device and threads', async () => {
    const engine = { backend: 'tensorflow', version: 'tfjs 4, TensorFlow 2', device: 'gpu: NVIDIA H100', threads: 8 } as const;
    const report = await findingOf('engine in use', { probe: () => Promise.resolve({ engine }) });
    expect(report).toMatchObject({ standing: 'ok', what: 'tensorflow on gpu: NVIDIA H100, 8 threads (tfjs 4, TensorFlow 2)' });
  });

  test('may be wasm, which is reported as slower', async () => {
    const report = await findingOf('engine in use', { probe: () => Promise.resolve({ engine: wasm }) });
    expect(report).toMatchObject({ standing: 'note', what: expect.stringContaining('5 times slower') as string });
  });

  test('must exist, or pipelines do not run', async () => {
    const report = await findingOf('engine in use');
    expect(report).toMatchObject({ standing: 'missing', what: 'nothing opens', mend: expect.stringContaining('npm run setup') as string });
  });
});

describe('the state folder', () => {
  test('need not exist yet', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'llm-barber-doctor-'));
    const state = join(folder, 'not', 'there');
    expect(await findingOf('state folder', { state })).toMatchObject({ what: expect.stringContaining(`${state} (not created yet), `) as string });
    rmSync(folder, { recursive: true });
  });

  test('must be in a writable place', async () => {
    const report = await findingOf('state folder', { state: '/proc/llm-barber' });
    expect(report).toMatchObject({ standing: 'missing', mend: expect.stringContaining('--state') as string });
  });
});

test('reports a check that throws, and continues with the others', async () => {
  const breaking = { name: 'first', find: () => Promise.reject(new Error('no such device')) };
  const fine = { name: 'second', find: () => ({ standing: 'ok', what: 'there' }) as const };
  const reports = await examine([breaking, fine], { state: '', probe: () => Promise.resolve({}) });
  expect(formatReports(reports)).toBe(
    ['missing  first   no such device', 'ok       second  there', '', 'Pipelines cannot run here: first.'].join('\n'),
  );
});

test('shows how to fix a problem below it', () => {
  const text = formatReports([{ name: 'GPU', standing: 'note', what: 'unused', mend: 'run `npm run setup`' }]);
  expect(text).toBe(['note     GPU  unused', '              To fix: run `npm run setup`.', '', 'Pipelines can run here.'].join('\n'));
});
