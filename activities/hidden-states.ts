import { tf, type Tensor3D } from '../science/engine/index.js';
import { layerForward, type LayerForward } from '../science/methods/index.js';
import { BackgroundWrite } from './background-write.js';
import { dropOlder } from './drop-older.js';
import { beginningOf, hiddenDependsOn, hiddenKey, keysAlong } from './hidden-paths.js';
import { embed, runLayer } from './run-path.js';
import { batchesFile, bytesOf, checkFinite, describeBatches, readBatches } from './tensor-batches.js';
import { Trails, type Trail } from './trails.js';
import type { ArtifactKey, Path, RunContext } from './types.js';
import type { Workbench } from './workbench.js';

/** A rebuild may run a dense path beside its own. */
const pathsInMemory = 2;
/** From this number of batches on, one batch is a small part of the work. */
const enoughBatches = 8;

interface InMemory {
  path: Path;
  batches: Tensor3D[];
  /** Seconds of the unit of work that made them. */
  seconds: number;
}

export interface PutOptions {
  /** Seconds of the unit of work that made them, if they are its only result. */
  seconds?: number;
  /** The most seconds that a forward of the layer can take, if it was not measured. */
  atMost?: number;
  /** How many paths the stage runs side by side: they share what a crash may cost. */
  paths?: number;
  /** Whether they are read again when later ones are finished: then they are stored in any case, and with them all before. */
  keep?: boolean;
}

/**
 * The residual stream between two decoder layers, `[batch, time, hidden]` per batch of sequences, for every path in use. It is in memory
 * for the process that made it. For any other it is made again, by running the path's layers under their masks from the nearest states
 * that are on disk. All three give the same bits: float32 is stored as it is, and the batches are fixed.
 *
 * States are written alongside the work, and only so often that no more than the run's `maxLoss` seconds of forwards are ever to be made again.
 * Only this class knows which states those are: no result of a run depends on it.
 */
export class HiddenStates {
  /** By key, the oldest first. */
  private readonly inMemory = new Map<ArtifactKey, InMemory>();
  private readonly trails = new Trails();
  private readonly writer: BackgroundWrite;

  constructor(private readonly bench: Workbench) {
    this.writer = new BackgroundWrite((what, error) => {
      bench.onIncident(`${what} could not be written (${error.message}); the run continues, and they are made again if they are lost`);
    });
  }

  /**
   * The hidden states that enter the layer after the path's last one. The caller owns the tensors.
   * @throws ArtifactLostError if the tokens or a mask of the path are gone
   */
  async take(context: RunContext, path: Path): Promise<Tensor3D[]> {
    const key = hiddenKey(context, path);
    const kept = this.inMemory.get(key);
    if (kept !== undefined) {
      // The caller's own tensors, on the same numbers: a task that fails disposes them with the rest of its tensors.
      const batches = kept.batches.map((batch) => batch.clone());
      this.inMemory.delete(key);
      tf.dispose(kept.batches);
      await this.dropOutlived(key);
      return batches;
    }
    this.forgetOthers(path);
    // What is being written may be what is looked for.
    await this.writer.idle(keysAlong(context, path));
    for (let layers = path.masks.length; layers > 0; layers--) {
      const start = beginningOf(path, layers);
      const batches = await this.read(context, start);
      if (batches !== undefined) return this.runOn(context, start, batches, path);
    }
    return this.runOn(context, beginningOf(path, 0), await embed(context, path, this.bench), path);
  }

  /**
   * Keeps the hidden states after the path's layers, which have been found finite, and takes over the tensors, which outlive the task. Begins to write them
   * if that is due.
   */
  async put(context: RunContext, path: Path, batches: Tensor3D[], { seconds = 0, atMost = 0, paths = 1, keep = false }: PutOptions = {}): Promise<void> {
    const key = hiddenKey(context, path);
    this.keep(key, { path, batches, seconds });
    tf.dispose(batches);
    const forward = this.trails.forward(path.tokens) ?? atMost;
    const trail = this.trails.advance(hiddenKey(context, beginningOf(path, path.masks.length - 1)), key, forward);
    if (keep) {
      await this.writer.idle();
      this.write(context, path, trail, keep);
    } else if (!this.writer.isBusy && this.isDue(context, path, trail, { paths, forward })) {
      this.write(context, path, trail, keep);
    }
  }

  /** Lets work read the hidden states that enter the layer after the path's last one, and keeps them for others. @throws as {@link take} */
  async look<T>(context: RunContext, path: Path, work: (hidden: Tensor3D[]) => Promise<T>): Promise<T> {
    const key = hiddenKey(context, path);
    const seconds = this.inMemory.get(key)?.seconds ?? 0;
    const batches = await this.take(context, path);
    const result = await work(batches);
    this.keep(key, { path, batches, seconds });
    tf.dispose(batches);
    return result;
  }

  /**
   * If more is at risk than the run allows, waits until new states are on disk. A disk that takes none does not hold up the run.
   * Call it before what the states belong to counts as finished.
   */
  async settle(context: RunContext, path: Path, paths = 1): Promise<void> {
    const trail = this.trails.at(hiddenKey(context, path));
    const isTooMuch = (): boolean => trail !== undefined && trail.atRisk > lossOf(context) / paths;
    if (isTooMuch()) await this.writer.idle();
    if (trail === undefined || !isTooMuch()) return;
    this.write(context, path, trail, false);
    await this.writer.idle();
  }

  /** Seconds of the unit of work that made the hidden states after the path's layers, if they are in memory or on disk. */
  async secondsOf(context: RunContext, path: Path): Promise<number | undefined> {
    const key = hiddenKey(context, path);
    const kept = this.inMemory.get(key);
    if (kept !== undefined) return kept.seconds;
    await this.writer.idle([key]);
    await dropOlder(context, this.bench.store, 'hidden', key);
    return ((await this.bench.store.find('hidden', key))?.summary as { seconds?: number } | undefined)?.seconds;
  }

  /** Removes the stored hidden states after the path's layers, and no others. */
  async drop(context: RunContext, path: Path): Promise<void> {
    await this.remove(path.masks.length === 0 ? [] : [hiddenKey(context, path)]);
  }

  /** Removes all stored hidden states along a path that has served. */
  async end(context: RunContext, path: Path): Promise<void> {
    await this.remove(keysAlong(context, path));
  }

  /** Frees the tensors in memory, apart from what is being written. */
  forget(): void {
    tf.dispose([...this.inMemory.values()].flatMap(({ batches }) => batches));
    this.inMemory.clear();
  }

  /**
   * Frees what nobody will ask for once a path is asked for: all the others, but of a shard what the other shards have come to, which
   * are no further than a layer ahead.
   */
  private forgetOthers({ tokens: { shard }, masks }: Path): void {
    for (const [key, { path, batches }] of this.inMemory) {
      const ahead = path.masks.length - masks.length;
      if (shard !== undefined && path.tokens.shard?.whole === shard.whole && (ahead === 0 || ahead === 1)) continue;
      tf.dispose(batches);
      this.inMemory.delete(key);
    }
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.writer.idle();
  }

  /** Ends what is being written, and removes what there is of it. */
  async close(): Promise<void> {
    await this.writer.abandon();
  }

  /**
   * Runs a layer, and notes how long that takes: what runs it again later takes as long.
   * @param what whether the work reads the layer's weights; else they were there, and what they took is added
   * @throws NonFiniteValueError
   */
  async forward(path: Path, what: 'with weights' | 'without weights', work: () => Promise<Tensor3D[]>): Promise<Tensor3D[]> {
    const started = performance.now();
    const after = await work();
    await checkFinite(after, statesAfter({ ...path, masks: [...path.masks, null] }));
    this.trails.measured(path.tokens, (performance.now() - started) / 1000 + (what === 'with weights' ? 0 : this.bench.secondsOfWeights));
    return after;
  }

  /** As {@link forward}, for work that runs the layer among other things: one batch of many tells, once for all layers. */
  async probe(path: Path, hidden: readonly Tensor3D[], layer: Omit<LayerForward, 'hidden'>): Promise<void> {
    if (this.trails.forward(path.tokens) !== undefined || hidden.length < enoughBatches) return;
    const started = performance.now();
    const after = await layerForward({ ...layer, hidden: hidden.slice(0, 1), keepInput: true });
    await checkFinite(after, statesAfter({ ...path, masks: [...path.masks, null] }));
    tf.dispose(after);
    this.trails.measured(path.tokens, (hidden.length * (performance.now() - started)) / 1000 + this.bench.secondsOfWeights);
  }

  /** Whether states have to be on their way to the disk now, so that they are there before too much is at risk. */
  private isDue(context: RunContext, path: Path, { atRisk }: Trail, { paths, forward }: { paths: number; forward: number }): boolean {
    const loss = lossOf(context) / paths;
    if (loss === 0) return true;
    const left = forward * (context.model.layers - path.masks.length);
    if (atRisk + left <= loss) return false;
    return atRisk + forward + this.writer.secondsFor(this.bytesAt(context, path)) > loss;
  }

  private bytesAt(context: RunContext, path: Path): number {
    return (this.inMemory.get(hiddenKey(context, path))?.batches ?? []).reduce((sum, batch) => sum + 4 * batch.size, 0);
  }

  /**
   * Removes stored states that later ones on disk have taken the place of. Not before the states of a layer were requested: what was made with
   * these is finished then. Until then, a process that ends has the layer made again, from the states before it.
   */
  private async dropOutlived(key: ArtifactKey): Promise<void> {
    const trail = this.trails.at(key);
    for (const one of trail?.outlived.splice(0) ?? []) await this.bench.store.drop('hidden', one);
  }

  /** Begins to write states that are in memory. */
  private write(context: RunContext, path: Path, trail: Trail, keep: boolean): void {
    const key = hiddenKey(context, path);
    const kept = this.inMemory.get(key);
    if (kept === undefined) return;
    const { store } = this.bench;
    const copies = kept.batches.map((batch) => tf.keep(batch.clone()));
    const [done, earlier] = [trail.done, keysAlong(context, path).slice(0, -1)];
    this.writer.begin(key, { what: statesAfter(path), bytes: this.bytesAt(context, path) }, async (wanted) => {
      try {
        await dropOlder(context, store, 'hidden', key);
        await store.findOrMake('hidden', hiddenDependsOn(context, path), async (draft) => {
          await draft.write(batchesFile('hidden'), wanted(bytesOf(copies)), 'in a thread');
          return { ...describeBatches(copies), seconds: kept.seconds };
        });
      } finally {
        tf.dispose(copies);
      }
      trail.durable = Math.max(trail.durable, done);
      if (!keep) trail.outlived = earlier;
    });
  }

  private async remove(keys: readonly ArtifactKey[]): Promise<void> {
    await this.writer.abandon(keys);
    for (const key of keys) await this.bench.store.drop('hidden', key);
  }

  private keep(key: ArtifactKey, { path, batches, seconds }: InMemory): void {
    tf.dispose(this.inMemory.get(key)?.batches ?? []);
    this.inMemory.delete(key);
    const most = Math.max(pathsInMemory, path.tokens.shard?.of ?? 0);
    for (const [oldest, former] of this.inMemory) {
      if (this.inMemory.size < most) break;
      tf.dispose(former.batches);
      this.inMemory.delete(oldest);
    }
    this.inMemory.set(key, { path, batches: batches.map((batch) => tf.keep(batch.clone())), seconds });
  }

  private async read(context: RunContext, path: Path): Promise<Tensor3D[] | undefined> {
    const key = hiddenKey(context, path);
    await dropOlder(context, this.bench.store, 'hidden', key);
    // Damaged: the store has moved it aside, and an earlier layer's states serve instead.
    return readBatches(this.bench.store, 'hidden', key).catch(() => undefined);
  }

  /** Runs the layers that `from` lacks of `to`. */
  private async runOn(context: RunContext, from: Path, batches: Tensor3D[], to: Path): Promise<Tensor3D[]> {
    let hidden = batches;
    const seconds: number[] = [];
    const layers = { from: from.masks.length, to: to.masks.length };
    for (let layer = layers.from; layer < layers.to; layer++) {
      this.bench.onProgress(`hidden states again, layer ${layer}`);
      const started = performance.now();
      hidden = await this.forward(beginningOf(to, layer), 'with weights', () => runLayer(context, to, layer, hidden, this.bench));
      seconds.push((performance.now() - started) / 1000);
    }
    const key = hiddenKey(context, to);
    this.trails.begin(key, seconds.reduce((sum, one) => sum + one, 0));
    if (layers.from < layers.to) await this.bench.store.noteRepeated('hidden', key, { ...layers, seconds });
    return hidden;
  }
}

/** Seconds of forwards that a crash may cost a run. Earlier versions stored the states after every layer. */
function lossOf({ maxLoss = 0 }: RunContext): number {
  return maxLoss;
}

function statesAfter({ masks }: Path): string {
  return `hidden states after layer ${masks.length - 1}`;
}
