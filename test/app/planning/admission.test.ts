import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { prepareRun } from '../../../activities/prepare-run.js';
import { Workbench } from '../../../activities/workbench.js';
import { ArtifactStore } from '../../../files/artifacts/index.js';
import { admit, plannedByStage, type Plan, AdmissionRefusedError, type Capacity } from '../../../app/planning/index.js';
import { cgroupFree } from '../../../app/planning/capacity.js';
import { demoPipeline, temporaryState } from '../../helpers/demo-run.js';
import { pipelineOf } from './pipelines.js';
import { cpuEngine, llama7b } from './llama7b.js';

/** The free capacity of the machine; its real one if undefined. */
const freeNow = vi.hoisted((): { is?: Capacity } => ({}));
vi.mock('../../../app/planning/capacity.js', async (original) => {
  const real = await original<typeof import('../../../app/planning/capacity.js')>();
  return { ...real, freeCapacity: (...of: Parameters<typeof real.freeCapacity>) => freeNow.is ?? real.freeCapacity(...of) };
});

let state: string;
let remove: () => Promise<void>;
beforeAll(async () => void ({ state, remove } = await temporaryState()));
afterAll(() => remove());
afterEach(() => void vi.unstubAllEnvs());

const gib = 2 ** 30;
const plenty: Capacity = { host: 1000 * gib, disk: 1000 * gib };
const ask = (free: Capacity, engine: Parameters<typeof admit>[0]['engine'] = cpuEngine): Promise<Plan> => admit({ pipeline: pipelineOf(), size: llama7b().size, engine, state, free });

describe('the admission of a run', () => {
  it('accepts a run that fits, and knows the cost of each of its stages', async () => {
    const plan = await ask(plenty);
    const { seconds, bytes } = plannedByStage(plan, pipelineOf());
    expect(seconds).toHaveLength(pipelineOf().stages.length);
    // Includes outputs and proofs, which are not stages of the pipeline.
    expect(seconds.reduce((sum, value) => sum + value, 0)).toBeCloseTo(plan.total.seconds, 6);
    expect(bytes).toHaveLength(seconds.length);
    expect(Math.max(...bytes)).toBe(plan.total.host);
  });

  it.each<[string, Capacity, RegExp]>([
    ['memory', { ...plenty, host: 8 * gib }, /^large: it does not fit on this machine: rebuild \(published\) needs 1\d\.\d GiB of memory, but only 8\.00 GiB is free\. To change that, .*calibration\.samples.*--no-admission/],
    ['disk', { ...plenty, disk: gib }, /evaluation \(dense, rebuilt on 64 windows\) needs 1\d\.\d GiB of disk, but only 1\.00 GiB is free\. To change that, free some disk space/],
    ['both', { host: gib, disk: gib }, /of memory, but only 1\.00 GiB is free; .* of disk, but only 1\.00 GiB is free/],
    ['GPU memory', { ...plenty, tensors: { of: 'GPU memory', bytes: 8 * gib } }, /of GPU memory, but only 8\.00 GiB is free/],
  ])('refuses a run if %s is short, and says how much is missing', async (_, free, message) => {
    const refused = ask(free);
    await expect(refused).rejects.toThrow(AdmissionRefusedError);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toMatchObject({ retryable: false });
  });

  it('accepts every run if admission is off', async () => {
    vi.stubEnv('LLM_BARBER_ADMISSION', 'off');
    await ask({ host: 0, disk: 0 });
  });
});

it('ends a run that cannot fit before anything is made', async () => {
  const bench = new Workbench(state, new ArtifactStore(join(state, 'artifacts')));
  const pipeline = demoPipeline();
  await prepareRun({ pipeline }, bench);
  freeNow.is = { host: 1000 * gib, disk: 1000 };
  await expect(prepareRun({ pipeline }, bench)).rejects.toThrow(AdmissionRefusedError);
  expect(existsSync(join(state, 'artifacts'))).toBe(false);
  vi.stubEnv('LLM_BARBER_ADMISSION', 'off');
  await prepareRun({ pipeline }, bench);
  freeNow.is = undefined;
});

describe('the limit of a control group', () => {
  const group = async (path: string, files: Record<string, string>): Promise<void> => {
    await mkdir(join(state, 'groups', path), { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(state, 'groups', path, name), text);
  };
  const under = (): string => join(state, 'groups');

  it('counts, minus memory in use that cannot be freed, and so does the limit of a parent group', async () => {
    await group('sys/fs/cgroup/job/step', { 'memory.max': 'max\n', 'memory.current': '100\n' });
    await group('sys/fs/cgroup/job', { 'memory.max': '1000\n', 'memory.current': '600\n', 'memory.stat': 'anon 300\ninactive_file 250\n' });
    expect(cgroupFree('0::/job/step\n', under())).toBe(650);
    expect(cgroupFree('0::/elsewhere\n', under())).toBeUndefined();
  });

  it('counts in version 1 too', async () => {
    await group('sys/fs/cgroup/memory/job', { 'memory.limit_in_bytes': '5000\n', 'memory.usage_in_bytes': '1000\n', 'memory.stat': 'total_inactive_file 500\n' });
    await group('sys/fs/cgroup/memory', { 'memory.limit_in_bytes': '9223372036854771712\n', 'memory.usage_in_bytes': '1\n' });
    expect(cgroupFree('5:cpu,cpuacct:/job\n4:memory:/job\n', under())).toBe(4500);
  });
});
