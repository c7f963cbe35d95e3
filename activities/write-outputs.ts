import { join } from 'node:path';
import { pathBelow } from '../files/artifacts/index.js';
import { writePrunedCheckpoint, writeSafetensors, type TensorData } from '../files/checkpoints/index.js';
import { packedBytes } from '../files/masks/index.js';
import { hasUpdates, readLayerBits, readUpdates } from './layer-files.js';
import { storedBits, storedLinears, storedValues, type StoredLinear } from './stored-linears.js';
import type { ArtifactKey, RunContext, WriteOutputsInput, WriteOutputsResult } from './types.js';
import type { OpenModel, Workbench } from './workbench.js';

/** Returns the folder of a run's outputs. Clients may choose any workflow id, so it is checked. @throws UnsafeNameError */
export const runFolder = (state: string, workflowId: string): string => pathBelow(join(state, 'runs'), workflowId, 'workflow id');

/** Returns the folder of the log-likelihoods of a run's zero-shot tasks. @throws UnsafeNameError */
export const likelihoodsFolder = (state: string, workflowId: string): string => join(runFolder(state, workflowId), 'zero-shot');

/** Writes the results of a run: a mask file, and the pruned checkpoint. The same masks and updates give the same bytes. */
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
  // A mask has the name and the shape of the weight in the checkpoint.
  for (const one of stored.values()) {
    const data = async (): Promise<Uint8Array> => {
      const bits = await storedBits(one, (linear) => bitsOf(one.layer, linear));
      pruned += one.shape[0] * one.shape[1] - popCount(bits);
      return bits;
    };
    tensors.push({ name: one.name, dtype: 'U8', shape: [packedBytes(one.shape)], data });
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

/** Returns a reader for the packed bits of a linear. It holds the bits of one layer, because files store the linears of a layer together. */
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

/** Contains nothing that differs between two runs of the same pipeline, so that their files have the same bytes. */
function maskMetadata(context: RunContext, stored: Iterable<StoredLinear>, updated: boolean): Record<string, string> {
  const shapes = [...stored].map(({ name, shape }) => [name, shape] as const);
  return {
    format: 'mask',
    bits: '1=kept, lowest first, row-major',
    pattern: context.pattern,
    // `dense`: the mask and the dense model are enough to restore the pruned checkpoint.
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
