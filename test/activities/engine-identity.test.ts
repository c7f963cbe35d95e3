/** Machines whose engines have different kernels share no artifacts, and do not take over runs from each other. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EngineChangedError } from '../../activities/errors.js';
import { numericsOf } from '../../activities/numerics.js';
import { prepareRun } from '../../activities/prepare-run.js';
import type { RunContext } from '../../activities/types.js';
import { Workbench } from '../../activities/workbench.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { demoPipeline } from '../helpers/demo-run.js';
import { temporaryBench } from '../helpers/in-process.js';

let bench: Workbench;
let context: RunContext;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ bench, remove } = await temporaryBench());
  context = await prepareRun({ pipeline: demoPipeline() }, bench);
});
afterAll(() => remove());

const elsewhere = (kernels: string): RunContext => ({ ...context, engine: { ...context.engine, kernels } });

it('includes the kernels in the key of everything that is computed from tensors', () => {
  const key = (of: RunContext): string => ArtifactStore.key('hidden', numericsOf(of));
  expect(key(elsewhere('avx'))).not.toBe(key(elsewhere('avx512_core')));
});

it('refuses to continue a run with other kernels, and names both', async () => {
  await expect(bench.engineOf(context)).resolves.toEqual(context.engine);
  const refused = bench.engineOf(elsewhere('kernels of another machine'));
  await expect(refused).rejects.toThrow(EngineChangedError);
  await expect(refused).rejects.toThrow(`kernels of another machine, ${context.engine.threads} threads), but this worker has ${context.engine.backend} (`);
  await expect(refused).rejects.toThrow(context.engine.kernels);
});

it('continues a run from before kernels were recorded', async () => {
  const { kernels: _, ...engine } = context.engine;
  await expect(bench.engineOf({ ...context, engine })).resolves.toEqual(context.engine);
});
