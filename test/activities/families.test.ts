/** Every family from checkpoint to pruned checkpoint. The results are counted from the files, without the project's readers. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { proveMasks, proveOutputs } from '../../activities/prove.js';
import { rebuildLayer } from '../../activities/rebuild.js';
import { Workbench } from '../../activities/workbench.js';
import { writeOutputs } from '../../activities/write-outputs.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { demoPipeline, rebuildStageOf } from '../helpers/demo-run.js';
import { beginHere } from '../helpers/in-process.js';
import { familyFolder } from '../helpers/family-folder.js';
import { readArrays } from '../helpers/load-model.js';

let root: string;
beforeAll(async () => (root = await mkdtemp(join(tmpdir(), 'families-'))));
afterAll(() => rm(root, { recursive: true }));


/** Prunes and rebuilds a golden family as a run does, and proves it. Returns the folders of both checkpoints. */
async function prune(family: string, setting: string): Promise<{ source: string; target: string }> {
  const folder = await familyFolder(family, join(root, `${family} ${setting}`));
  const state = join(folder, 'state');
  const bench = new Workbench(state, new ArtifactStore(join(state, 'artifacts')));
  const pipeline = demoPipeline([setting], folder);
  const run = await beginHere(pipeline, bench);
  const { context, tokens, initial } = run;
  const stage = rebuildStageOf(pipeline);
  const masks: string[] = [];
  for (const [layer, start] of initial.entries()) masks.push((await rebuildLayer({ context, stage, layer, path: { tokens, masks: [...masks] }, start }, bench)).mask);
  await proveMasks({ context, stage, masks, start: initial }, bench);
  const outputs = await writeOutputs({ context, workflowId: 'run', masks }, bench);
  await proveOutputs({ context, workflowId: 'run', outputs }, bench);
  return { source: join(folder, 'model', 'model.safetensors'), target: join(outputs.checkpoint, 'model.safetensors') };
}

/** Number of matrices of a layer that are linears, as the checkpoint stores them. */
const families = {
  olmo2: 7, gemma2: 7, 'gemma3-text': 7, gemma3: 7, granite: 7, phi3: 4, 'phi3-longrope': 4, 'gpt-neox': 4, 'gpt-neox-sequential': 4,
  // 4 of attention, then 3 per expert or 2 for all experts.
  mixtral: 4 + 4 * 3, 'qwen3-moe': 4 + 6 * 3, 'qwen2-moe': 4 + 5 * 3, olmoe: 4 + 4 * 3,
  'mixtral-packed': 4 + 2, 'qwen2-moe-packed': 4 + 2 + 3,
};

/** The attention, MLP or expert of a layer that a tensor belongs to. */
const subBlockOf = (name: string): string => /layers\.\d\.(self_attn|attention|.*experts\.\d|mlp\.shared_expert|mlp)\./.exec(name)?.[0] ?? '';

it.each(Object.entries(families))('%s: prunes half of every sub-block and changes nothing else', async (family, linears) => {
  const { source, target } = await prune(family, 'initialMask={ method: wanda, sparsity: 0.5 }');
  const [before, after] = [readArrays(source), readArrays(target)];
  expect(Object.keys(after)).toEqual(Object.keys(before));
  const changed = Object.keys(after).filter((name) => after[name].values.some((value, i) => value !== before[name].values[i]));
  expect(changed.every((name) => /layers\.\d\..*(attn|attention|mlp|moe)\..*(weight|_proj)$/.test(name))).toBe(true);
  expect(changed.length).toBe(2 * linears);
  const zerosOf = (name: string): number => after[name].values.filter((value) => value === 0).length;
  for (const block of new Set(changed.map(subBlockOf))) {
    const names = changed.filter((name) => subBlockOf(name) === block);
    const sizes = names.reduce((sum, name) => sum + after[name].values.length, 0);
    expect(names.reduce((sum, name) => sum + zerosOf(name), 0)).toBe(sizes / 2);
  }
});

it.each(Object.keys(families))('%s: prunes two of every four', async (family) => {
  const { source, target } = await prune(family, 'initialMask={ method: wanda, pattern: "2:4" }');
  const [before, after] = [readArrays(source), readArrays(target)];
  const changed = Object.keys(after).filter((name) => after[name].values.some((value, i) => value !== before[name].values[i]));
  expect(changed.length).toBe(2 * families[family as keyof typeof families]);
  for (const name of changed) {
    const { values } = after[name];
    for (let i = 0; i < values.length; i += 4) expect(values.slice(i, i + 4).filter((value) => value === 0).length).toBe(2);
  }
});
