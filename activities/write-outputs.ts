import { join } from 'node:path';
import { pathBelow } from '../files/artifacts/index.js';
import { writePrunedCheckpoint, writeSafetensors, type TensorData } from '../files/checkpoints/index.js';
import { hasUpdates, packedBytes, readLayerBits, readUpdates } from './layer-files.js';
import { storedBits, storedLinears, storedValues, type StoredLinear } from './stored-linears.js';
import type { ArtifactKey, RunContext, WriteOutputsInput, WriteOutputsResult } from './types.js';
import type { OpenModel, Workbench } from './workbench.js';

/** The folder of a run's outputs. Clients choose workflow ids freely. @throws UnsafeNameError */
export const runFolder = (state: string, workflowId: string): string => pathBelow(join(state, 'runs'), workflowId, 'workflow id');

/** Folder of the log-likelihoods of a run's zero-shot tasks. @throws UnsafeNameError */
export const likelihoodsFolder = (state: string, workflowId: string): string => join(runFolder(state, workflowId), 'zero-shot');

/** Writes what the run is for: the mask as a file of its own, and the pruned checkpoint. Equal masks and updates give equal bytes. */
export async function writeOutputs({ context, workflowId, masks }: WriteOutputsInput, bench: Workbench): Promise<WriteOutputsResult> {
  const started = performance.now();
  const folder = runFolder(bench.state, workflowId);
  const open = await bench.model(context.model);
  const maskFile = join(folder, 'mask.safetensors');
  const checkpoint = join(folder, 'checkpoint');

  const stored = storedLinears(open);

  bench.onProgress('writing the mask');
  const bitsOf = layerBits(masks, open, bench);
  const tensors: TensorData[] = [];
  let pruned = 0;
  let updated = false;
  // A mask has the name and the shape that the checkpoint gives the weight.
  for (const one of stored.values()) {
    const data = async (): Promise<Uint8Array> => {
      const bits = await storedBits(one, (linear) => bitsOf(one.layer, linear));
      pruned += one.shape[0] * one.shape[1] - popCount(bits);
      return bits;
    };
    tensors.push({ name: one.name, dtype: 'U8', shape: [packedBytes(one)], data });
    for (const { name } of one.linears) updated ||= await hasUpdates(bench.store, masks[one.layer], name);
  }
  await writeSafetensors(maskFile, tensors, maskMetadata(context, stored.values(), updated));

  await writePrunedCheckpoint({
    source: open.checkpoint,
    target: checkpoint,
    keptBits: async (tensor) => {
      const one = stored.get(tensor);
      return one && storedBits(one, (linear) => bitsOf(one.layer, linear));
    },
    values: async (tensor) => {
      const one = stored.get(tensor);
      return one && storedValues(one, open, (linear) => readUpdates(bench.store, masks[one.layer], linear));
    },
    onShard: (done, total) => {
      bench.onProgress(`checkpoint, file ${done} of ${total}`);
    },
  });
  return { checkpoint, mask: maskFile, pruned, seconds: (performance.now() - started) / 1000, reused: false };
}

/** Reads the packed bits of one linear after the other. Holds those of one layer: files have a layer's linears side by side. */
function layerBits(masks: readonly ArtifactKey[], { model }: OpenModel, { store }: Workbench): (layer: number, linear: string) => Promise<Uint8Array> {
  let current: { layer: number; bits: Map<string, Uint8Array> } | undefined;
  return async (layer, linear) => {
    if (current?.layer !== layer) {
      current = undefined;
      current = { layer, bits: await readLayerBits(store, masks[layer], model.decoderLayer(layer)) };
    }
    return current.bits.get(linear) ?? new Uint8Array(0);
  };
}

/** Nothing that differs between two runs of the same pipeline: the file's bytes are its proof. */
function maskMetadata(context: RunContext, stored: Iterable<StoredLinear>, updated: boolean): Record<string, string> {
  const shapes = [...stored].map(({ name, shape }) => [name, shape] as const);
  return {
    format: 'mask',
    bits: '1=kept, lowest first, row-major',
    pattern: context.pattern,
    // Whether the mask and the dense model give the pruned checkpoint again.
    values: updated ? 'updated' : 'dense',
    shapes: JSON.stringify(Object.fromEntries(shapes)),
    model: context.model.digest,
  };
}

function popCount(bytes: Uint8Array): number {
  let count = 0;
  for (let byte of bytes) for (; byte !== 0; byte &= byte - 1) count++;
  return count;
}
