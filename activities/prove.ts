import { basename, join, resolve } from 'node:path';
import { exactShare, groupZeros, MaskProofError, proveCheckpoint, proveMask, writeProof, type Groups, type MaskBudget, type PackedMask } from '../files/masks/index.js';
import type { Granularity, InitialMethodName } from '../science/methods/index.js';
import { linearsOf, type DecoderLayer } from '../science/models/index.js';
import { NonFiniteValueError } from './errors.js';
import { readLayerBits, readUpdates } from './layer-files.js';
import { keepModel, keptParts } from './outputs/keep.js';
import type { ArtifactKey, ProveMasksInput, ProveOutputsInput, ProveOutputsResult } from './types.js';
import type { Workbench } from './workbench.js';
import { runFolder } from './write-outputs.js';

type InitialStage = Extract<ProveMasksInput['stage'], { type: 'initialMask' }>;

/**
 * Proves the masks of a stage: reads them from the store, and counts budgets and patterns with code that shares nothing with the
 * code that made them (masks/). The store checks the digests.
 * @throws MaskProofError, NonFiniteValueError, ArtifactLostError
 */
export async function proveMasks({ context, stage, masks, start }: ProveMasksInput, bench: Workbench): Promise<void> {
  const { model } = await bench.model(context.model);
  const { pattern, sparsity } = context;
  let pruned = 0;
  for (const [index, key] of masks.entries()) {
    bench.onProgress(`proving the masks, layer ${index}`);
    const layer = model.decoderLayer(index);
    const made = await packedMasks(bench, key, layer);
    for (const mask of made) {
      const budget = stage.type === 'initialMask' && pattern === 'unstructured' ? initialBudget(stage, mask, sparsity) : undefined;
      proveMask({ ...mask, pattern, ...(budget && { budget }) }, `mask artifact ${key}`);
      pruned += zerosOf(mask);
      const values = await readUpdates(bench.store, key, mask.name);
      const wrong = values?.find((value) => !Number.isFinite(value));
      if (wrong !== undefined) throw new NonFiniteValueError(`updated weights of ${mask.name}, mask artifact ${key}`, wrong);
    }
    if (stage.type === 'rebuild' && pattern === 'unstructured') {
      proveUnchanged(layer, made, await packedMasks(bench, start[index], layer), stage.granularity, key);
    }
  }
  if (stage.type === 'initialMask' && stage.allocation !== undefined) expectZeros('all linears', pruned, exactShare(context.model.prunable, sparsity), 'the masks');
}

/**
 * Proves the outputs of a run: reads mask file and checkpoint from disk, compares them with the dense model, and writes
 * `proof.json`. If the store keeps outputs, the proved files are put into it.
 * @throws MaskProofError
 */
export async function proveOutputs({ context, workflowId, outputs, keep }: ProveOutputsInput, bench: Workbench): Promise<ProveOutputsResult> {
  const started = performance.now();
  const { checkpoint: source } = await bench.model(context.model);
  await bench.allowed.check('outputs.checkpoint', outputs.checkpoint);
  await bench.allowed.check('outputs.mask', outputs.mask);
  const facts = await proveCheckpoint({
    checkpoint: outputs.checkpoint,
    maskFile: outputs.mask,
    source: source.folder,
    // The workbench has checked that the source has it.
    sourceDigest: context.model.digest,
    pattern: context.pattern,
    onProgress: (done, total) => { bench.onProgress(`proving the checkpoint, ${Math.floor((100 * done) / total)} %`); },
  });
  const proof = join(runFolder(bench.state, workflowId), 'proof.json');
  await writeProof({ path: proof, facts, alsoChecked: ['Every group has its budget after every stage that makes masks.'] });
  const checkpoint = facts.files.filter(({ file }) => file.endsWith('.safetensors')).map(({ file, sha256 }) => [basename(file), sha256] as const);
  const digests = { mask: facts.mask?.sha256 ?? '', checkpoint: Object.fromEntries(checkpoint) };
  bench.onProgress('storing the mask and the checkpoint');
  const known = new Map([...facts.files, ...(facts.mask === undefined ? [] : [facts.mask])].map(({ file, sha256 }) => [resolve(file), sha256]));
  const kept = await keepModel(bench.store, keptParts(keep, bench.store, bench.state), { ...outputs, proof }, known);
  return { proof, digests, ...(Object.keys(kept).length > 0 && { kept }), seconds: (performance.now() - started) / 1000, reused: false };
}

async function packedMasks(bench: Workbench, key: ArtifactKey, layer: DecoderLayer): Promise<PackedMask[]> {
  const bits = await readLayerBits(bench.store, key, layer);
  return linearsOf(layer).map(({ name, shape }) => ({ name, shape, bits: bits.get(name) ?? new Uint8Array(0) }));
}

/** The groups that share a budget, by method. Methods say so too, but the proof uses a table of its own that no method reads. */
const groupsOf = {
  magnitude: 'layer',
  wanda: 'output',
  sparsegpt: { columns: 128 },
  admm: 'output',
  // A mask from a file only has to have its pattern.
  file: undefined,
} as const satisfies Record<InitialMethodName, Groups | undefined>;

/** Returns the number of zeros that each group of a linear must have. */
function initialBudget({ method, allocation }: InitialStage, mask: PackedMask, sparsity: number): MaskBudget | undefined {
  const groups = groupsOf[method];
  // With an allocation only the sum over all linears is fixed, and that sum is checked.
  if (groups === undefined || allocation !== undefined) return undefined;
  return { groups, zeros: groupZeros(mask, groups).map(({ size }) => exactShare(size, sparsity)) };
}

/** Checks that every group of a rebuild keeps its number of zeros. */
function proveUnchanged(layer: DecoderLayer, after: readonly PackedMask[], before: readonly PackedMask[], granularity: Granularity, key: ArtifactKey): void {
  const where = `mask artifact ${key}`;
  if (granularity !== 'block') {
    after.forEach((mask, i) => {
      const zeros = groupZeros(before[i], granularity).map((group) => group.zeros);
      proveMask({ ...mask, pattern: 'unstructured', budget: { groups: granularity, zeros } }, where);
    });
    return;
  }
  for (const subBlock of layer.subBlocks) {
    const names = linearsOf(subBlock).map(({ name }) => name);
    const total = (masks: readonly PackedMask[]): number => masks.filter(({ name }) => names.includes(name)).reduce((sum, mask) => sum + zerosOf(mask), 0);
    expectZeros(`layer ${layer.index}, ${subBlock.block}`, total(after), total(before), where);
  }
}

function zerosOf(mask: PackedMask): number {
  return groupZeros(mask, 'layer')[0].zeros;
}

function expectZeros(group: string, found: number, expected: number, where: string): void {
  if (found !== expected) throw new MaskProofError({ where, what: `${group}: ${found} weights are pruned`, expected: `${expected}` }, []);
}
