import { ArtifactStore, type Json } from '../files/artifacts/index.js';
import { tf, type Tensor3D } from '../science/engine/index.js';
import { sequenceLayout } from '../science/models/index.js';
import { layerForward } from '../science/methods/index.js';
import { dropOlder } from './drop-older.js';
import { readPrunedLayer } from './layer-files.js';
import { numericsOf } from './numerics.js';
import { readBatches, writeBatches } from './tensor-batches.js';
import type { Path, RunContext } from './types.js';
import { readSequences, withLayouts } from './sequences.js';
import { disposeWeights } from './weights.js';
import type { Workbench } from './workbench.js';

/** Everything that the hidden states after a path's layers follow from. */
export function hiddenDependsOn(context: RunContext, path: Path): Json {
  return { ...numericsOf(context), model: context.model.digest, tokens: path.tokens.key, masks: path.masks, ...(path.beside && { beside: path.beside }) };
}

/** A rebuild may run a dense path beside its own. */
const pathsInMemory = 2;

/**
 * The residual stream between two decoder layers, `[batch, time, hidden]` per batch of sequences, for every path in use.
 * In memory for the process that made it, on disk for any other; and if neither has it, it is made again by running the
 * path's layers under their masks. All three give the same bits: float32 is stored as it is, and the batches are fixed.
 */
export class HiddenStates {
  /** By key, the oldest first. */
  private readonly inMemory = new Map<string, Tensor3D[]>();

  constructor(private readonly bench: Workbench) {}

  /**
   * The hidden states that enter the layer after the path's last one. The caller owns the tensors.
   * @throws ArtifactLostError if the tokens or a mask of the path are gone
   */
  async take(context: RunContext, path: Path): Promise<Tensor3D[]> {
    const key = ArtifactStore.key('hidden', hiddenDependsOn(context, path));
    const kept = this.inMemory.get(key);
    if (kept !== undefined) {
      // The caller's own tensors, on the same numbers: a task that fails disposes them with the rest of its tensors.
      const batches = kept.map((batch) => batch.clone());
      this.inMemory.delete(key);
      tf.dispose(kept);
      return batches;
    }
    this.forget();
    for (let layers = path.masks.length; layers > 0; layers--) {
      const start = { ...path, masks: path.masks.slice(0, layers) };
      const batches = await this.read(context, start);
      if (batches !== undefined) return this.runOn(context, start, batches, path);
    }
    return this.runOn(context, { ...path, masks: [] }, await this.embed(context, path), path);
  }

  /** Stores the hidden states after the path's layers, on disk and in memory, and takes over the tensors, which outlive the task. */
  async put(context: RunContext, path: Path, batches: Tensor3D[]): Promise<void> {
    const dependsOn = hiddenDependsOn(context, path);
    const what = `hidden states after layer ${path.masks.length - 1}`;
    await dropOlder(context, this.bench.store, 'hidden', ArtifactStore.key('hidden', dependsOn));
    await this.bench.store.findOrMake('hidden', dependsOn, (draft) => writeBatches(draft, 'hidden', batches, what));
    this.keep(ArtifactStore.key('hidden', dependsOn), batches);
    tf.dispose(batches);
  }

  /** Seconds that storing the hidden states after the path's layers took, if they are stored. */
  async seconds(context: RunContext, path: Path): Promise<number | undefined> {
    const key = ArtifactStore.key('hidden', hiddenDependsOn(context, path));
    await dropOlder(context, this.bench.store, 'hidden', key);
    return (await this.bench.store.find('hidden', key))?.seconds;
  }

  /** Removes the stored hidden states after the path's layers; nobody needs them once the next layer is finished. */
  async drop(context: RunContext, path: Path): Promise<void> {
    if (path.masks.length > 0) await this.bench.store.drop('hidden', ArtifactStore.key('hidden', hiddenDependsOn(context, path)));
  }

  /** Frees the tensors in memory. */
  forget(): void {
    tf.dispose([...this.inMemory.values()].flat());
    this.inMemory.clear();
  }

  private keep(key: string, batches: readonly Tensor3D[]): void {
    tf.dispose(this.inMemory.get(key) ?? []);
    this.inMemory.delete(key);
    for (const [oldest, tensors] of this.inMemory) {
      if (this.inMemory.size < pathsInMemory) break;
      tf.dispose(tensors);
      this.inMemory.delete(oldest);
    }
    this.inMemory.set(key, batches.map((batch) => tf.keep(batch.clone())));
  }

  private async read(context: RunContext, path: Path): Promise<Tensor3D[] | undefined> {
    // Damaged: the store has moved it aside, and an earlier layer's states serve instead.
    return readBatches(this.bench.store, 'hidden', ArtifactStore.key('hidden', hiddenDependsOn(context, path))).catch(() => undefined);
  }

  private async embed(context: RunContext, { tokens }: Path): Promise<Tensor3D[]> {
    const open = await this.bench.model(context.model);
    const sequences = await readSequences(this.bench.store, tokens, context.sequencesPerBatch);
    const weights = await this.bench.weights(open, open.model.embeddingTensors);
    const batches = sequences.map(({ ids, count, time, tails }) =>
      tf.tidy(() => open.model.embed(tf.tensor2d(ids, [count, time], 'int32'), weights, sequenceLayout(tails, [count, time]))),
    );
    disposeWeights(weights);
    return batches;
  }

  /** Runs the layers that `from` lacks of `to`. */
  private async runOn(context: RunContext, from: Path, batches: Tensor3D[], to: Path): Promise<Tensor3D[]> {
    let hidden = batches;
    const open = await this.bench.model(context.model);
    for (let layer = from.masks.length; layer < to.masks.length; layer++) {
      this.bench.onProgress(`hidden states again, layer ${layer}`);
      const weights = await this.bench.layerWeights(open, layer);
      const decoderLayer = open.model.decoderLayer(layer);
      const key = to.masks[layer];
      const pruned = key === null || key === undefined ? {} : await readPrunedLayer(this.bench.store, key, decoderLayer);
      hidden = await withLayouts(this.bench.store, to.tokens, (layouts) => layerForward({ layer: decoderLayer, hidden, weights, ...layouts, ...pruned }));
      disposeWeights(weights);
    }
    return hidden;
  }
}
