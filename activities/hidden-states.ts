import { tf, type Tensor3D } from '../science/engine/index.js';
import { layerForward, type LayerForward } from '../science/methods/index.js';
import { BackgroundWrite } from './background-write.js';
import { dropOlder } from './drop-older.js';
import { pathPrefix, hiddenDependsOn, hiddenKey, keysAlong } from './hidden-paths.js';
import { embed, runLayer } from './run-path.js';
import { batchesFile, bytesOf, checkFinite, describeBatches, readBatches } from './tensor-batches.js';
import { PathProgressTracker, type PathProgress } from './path-progress.js';
import type { ArtifactKey, Path, RunContext } from './types.js';
import type { Workbench } from './workbench.js';

/** Number of paths kept in memory. A rebuild may run a dense path beside its own. */
const pathsInMemory = 2;
/** With at least this number of batches, one batch is a small part of the work. */
const enoughBatches = 8;

interface InMemory {
  path: Path;
  batches: Tensor3D[];
  /** Duration of the unit of work that made them, in seconds. */
  seconds: number;
}

export interface PutOptions {
  /** Duration of the unit of work that made them, in seconds, if they are its only result. */
  seconds?: number;
  /** Upper bound for a forward of the layer, in seconds. Used if none was measured. */
  atMost?: number;
  /** Number of paths that the stage runs side by side. They share what a crash may cost. Default: the number of shards. */
  paths?: number;
  /** Whether they are read again after later states are finished. Then they are always stored, and earlier states are not removed. */
  keep?: boolean;
}

/**
 * The residual stream between two decoder layers, `[batch, time, hidden]` per batch of sequences, for every path in use. The process that
 * made it has it in memory. Other processes recompute it: they run the path's layers under their masks, starting from the nearest states
 * on disk. Memory, disk and recomputation give the same bits, because float32 is stored unchanged and the batches are fixed.
 *
 * States are written in the background, often enough that a crash costs at most the run's `maxLoss` seconds of forwards. Only this class
 * knows which states are stored. No result of a run depends on it.
 */
export class HiddenStates {
  /** By key, oldest first. */
  private readonly inMemory = new Map<ArtifactKey, InMemory>();
  private readonly pathProgress = new PathProgressTracker();
  private readonly writer: BackgroundWrite;

  constructor(private readonly bench: Workbench) {
    this.writer = new BackgroundWrite((what, error) => {
      bench.onIncident(`${what} could not be written (${error.message}); the run continues, and they are recomputed if they are lost`);
    });
  }

  /**
   * Returns the hidden states that enter the layer after the path's last one. The caller owns the tensors.
   * @throws ArtifactLostError if the tokens or a mask of the path are lost
   */
  async take(context: RunContext, path: Path): Promise<Tensor3D[]> {
    const key = hiddenKey(context, path);
    const kept = this.inMemory.get(key);
    if (kept !== undefined) {
      // The caller gets clones of its own: a task that fails disposes them with the rest of its tensors.
      const batches = kept.batches.map((batch) => batch.clone());
      this.inMemory.delete(key);
      tf.dispose(kept.batches);
      await this.dropOutlived(key);
      return batches;
    }
    this.forgetOthers(path);
    // One of the states that are looked for may still be being written.
    await this.writer.idle(keysAlong(context, path));
    for (let layers = path.masks.length; layers > 0; layers--) {
      const start = pathPrefix(path, layers);
      const batches = await this.read(context, start);
      if (batches !== undefined) return this.runOn(context, start, batches, path);
    }
    return this.runOn(context, pathPrefix(path, 0), await embed(context, path, this.bench), path);
  }

  /**
   * Keeps the hidden states after the path's layers. The caller has checked that they are finite. Takes over the tensors, which outlive the
   * task. Starts to write them if that is due.
   */
  async put(context: RunContext, path: Path, batches: Tensor3D[], { seconds = 0, atMost = 0, paths = pathsAtRisk(path), keep = false }: PutOptions = {}): Promise<void> {
    const key = hiddenKey(context, path);
    this.keep(key, { path, batches, seconds });
    tf.dispose(batches);
    const forward = this.pathProgress.forward(path.tokens) ?? atMost;
    const progress = this.pathProgress.advance(hiddenKey(context, pathPrefix(path, path.masks.length - 1)), key, forward);
    if (keep) {
      await this.writer.idle();
      this.write(context, path, progress, keep);
    } else if (!this.writer.isBusy && this.isDue(context, path, progress, { paths, forward })) {
      this.write(context, path, progress, keep);
    }
  }

  /**
   * Runs work on the hidden states that enter the layer after the path's last one, and keeps the states for more work.
   * @param isLastWork frees the states instead
   * @throws as {@link take}
   */
  async use<T>(context: RunContext, path: Path, work: (hidden: Tensor3D[]) => Promise<T>, isLastWork = false): Promise<T> {
    const key = hiddenKey(context, path);
    const seconds = this.inMemory.get(key)?.seconds ?? 0;
    const batches = await this.take(context, path);
    const result = await work(batches);
    if (!isLastWork) this.keep(key, { path, batches, seconds });
    tf.dispose(batches);
    return result;
  }

  /**
   * If more work is at risk than the run allows, waits until new states are on disk. If writing fails, the run continues.
   * Call this before the work that the states belong to counts as finished.
   */
  async ensureDurable(context: RunContext, path: Path, paths = pathsAtRisk(path)): Promise<void> {
    const progress = this.pathProgress.at(hiddenKey(context, path));
    const isTooMuch = (): boolean => progress !== undefined && progress.atRisk > maxLossSeconds(context) / paths;
    if (isTooMuch()) await this.writer.idle();
    if (progress === undefined || !isTooMuch()) return;
    this.write(context, path, progress, false);
    await this.writer.idle();
  }

  /** Returns the seconds of work that made the hidden states after the path's layers; undefined if they are not in memory or on disk. */
  async secondsOf(context: RunContext, path: Path): Promise<number | undefined> {
    const key = hiddenKey(context, path);
    const kept = this.inMemory.get(key);
    if (kept !== undefined) return kept.seconds;
    await this.writer.idle([key]);
    await dropOlder(context, this.bench.store, 'hidden', key);
    return ((await this.bench.store.find('hidden', key))?.summary as { seconds?: number } | undefined)?.seconds;
  }

  /** Removes the stored hidden states after the path's last layer, but not those of earlier layers. */
  async drop(context: RunContext, path: Path): Promise<void> {
    await this.remove(path.masks.length === 0 ? [] : [hiddenKey(context, path)]);
  }

  /** Removes all stored hidden states along a path that is no longer needed. */
  async end(context: RunContext, path: Path): Promise<void> {
    await this.remove(keysAlong(context, path));
  }

  /** Frees the tensors in memory, except those that are being written. */
  forget(): void {
    tf.dispose([...this.inMemory.values()].flatMap(({ batches }) => batches));
    this.inMemory.clear();
  }

  /**
   * Frees the states that are not needed after a path was asked for: those of all other paths. For a shard, the states of the other
   * shards are kept. They are at most one layer ahead.
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

  /** Aborts the current write, and removes its partial files. */
  async close(): Promise<void> {
    await this.writer.abandon();
  }

  /**
   * Runs a layer and records how long it took, which is the cost of running it again later.
   * @param what whether `work` reads the layer's weights. If it does not, the time that they took to read is added
   * @throws NonFiniteValueError
   */
  async forward(path: Path, what: 'with weights' | 'without weights', work: () => Promise<Tensor3D[]>): Promise<Tensor3D[]> {
    const started = performance.now();
    const after = await work();
    await checkFinite(after, statesAfter({ ...path, masks: [...path.masks, null] }));
    this.pathProgress.measured(path.tokens, (performance.now() - started) / 1000 + (what === 'with weights' ? 0 : this.bench.secondsOfWeights));
    return after;
  }

  /**
   * Measures like {@link forward}, for work that does more than run the layer. Times one batch, once for all layers, and only if there are
   * many batches.
   */
  async probe(path: Path, hidden: readonly Tensor3D[], layer: Omit<LayerForward, 'hidden'>): Promise<void> {
    if (this.pathProgress.forward(path.tokens) !== undefined || hidden.length < enoughBatches) return;
    const started = performance.now();
    const after = await layerForward({ ...layer, hidden: hidden.slice(0, 1), keepInput: true });
    await checkFinite(after, statesAfter({ ...path, masks: [...path.masks, null] }));
    tf.dispose(after);
    this.pathProgress.measured(path.tokens, (hidden.length * (performance.now() - started)) / 1000 + this.bench.secondsOfWeights);
  }

  /** Whether writing must start now so that the states are on disk before too much work is at risk. */
  private isDue(context: RunContext, path: Path, { atRisk }: PathProgress, { paths, forward }: { paths: number; forward: number }): boolean {
    const loss = maxLossSeconds(context) / paths;
    if (loss === 0) return true;
    const left = forward * (context.model.layers - path.masks.length);
    if (atRisk + left <= loss) return false;
    return atRisk + forward + this.writer.secondsFor(this.bytesAt(context, path)) > loss;
  }

  private bytesAt(context: RunContext, path: Path): number {
    return (this.inMemory.get(hiddenKey(context, path))?.batches ?? []).reduce((sum, batch) => sum + 4 * batch.size, 0);
  }

  /**
   * Removes stored states that are replaced by later ones on disk. This waits until states of the next layer are requested, because the work
   * that used the earlier ones is finished then. If a process ends before that, the layer is recomputed from the earlier states.
   */
  private async dropOutlived(key: ArtifactKey): Promise<void> {
    const progress = this.pathProgress.at(key);
    for (const one of progress?.obsolete.splice(0) ?? []) await this.bench.store.drop('hidden', one);
  }

  /** Starts to write states that are in memory. */
  private write(context: RunContext, path: Path, progress: PathProgress, keep: boolean): void {
    const key = hiddenKey(context, path);
    const kept = this.inMemory.get(key);
    if (kept === undefined) return;
    const { store } = this.bench;
    const copies = kept.batches.map((batch) => tf.keep(batch.clone()));
    const [done, earlier] = [progress.done, keysAlong(context, path).slice(0, -1)];
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
      progress.durable = Math.max(progress.durable, done);
      if (!keep) progress.obsolete = earlier;
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
    // If the artifact is damaged, the store has moved it aside, and the states of an earlier layer are used instead.
    return readBatches(this.bench.store, 'hidden', key).catch(() => undefined);
  }

  /** Runs the layers of `to` that `from` does not have. */
  private async runOn(context: RunContext, from: Path, batches: Tensor3D[], to: Path): Promise<Tensor3D[]> {
    let hidden = batches;
    const seconds: number[] = [];
    const layers = { from: from.masks.length, to: to.masks.length };
    for (let layer = layers.from; layer < layers.to; layer++) {
      this.bench.onProgress(`recomputing hidden states, layer ${layer}`);
      const started = performance.now();
      hidden = await this.forward(pathPrefix(to, layer), 'with weights', () => runLayer(context, to, layer, hidden, this.bench));
      seconds.push((performance.now() - started) / 1000);
    }
    const key = hiddenKey(context, to);
    this.pathProgress.begin(key, seconds.reduce((sum, one) => sum + one, 0));
    if (layers.from < layers.to) await this.bench.store.noteRepeated('hidden', key, { ...layers, seconds });
    return hidden;
  }
}

/** Seconds of forwards that a crash may cost a run. Runs of earlier versions have no `maxLoss`; they stored the states after every layer. */
function maxLossSeconds({ maxLoss = 0 }: RunContext): number {
  return maxLoss;
}

function statesAfter({ masks }: Path): string {
  return `hidden states after layer ${masks.length - 1}`;
}

/** Returns how many paths a crash of one worker may affect: it may have all shards of the path's calibration. */
function pathsAtRisk({ tokens: { shard } }: Path): number {
  return shard?.of ?? 1;
}
