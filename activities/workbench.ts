import { fileState, prefetch, readAhead, resolveTensors, type Checkpoint } from '../files/checkpoints/index.js';
import type { ArtifactStore } from '../files/artifacts/index.js';
import { modelDigest } from '../files/masks/index.js';
import { engineText, type Engine, type EngineRequest, type Tensor } from '../science/engine/index.js';
import type { TensorSpec } from '../science/models/index.js';
import { join } from 'node:path';
import { AllowedPaths } from './allowed-paths.js';
import { EngineSlot } from './compute/engine-slot.js';
import { EngineChangedError, ModelChangedError } from './errors.js';
import { modelFolder, type ModelRef } from './hub-files.js';
import { HiddenStates } from './hidden-states.js';
import { digestCache } from './input-digest.js';
import { openModel, type OpenModel } from './open-model.js';
import { OpenLayer } from './shards/open-layer.js';
import { TemporaryCopies } from './shards/temporary-copies.js';
import type { RunContext } from './types.js';
import { toTensors } from './weights.js';

export type { OpenModel } from './open-model.js';

/**
 * What the stages of one compute process share: the engine, the open model, the hidden states in memory,
 * and callbacks that report progress. Holds no state that cannot be restored from disk.
 */
export class Workbench {
  private readonly engineSlot = new EngineSlot();
  /** The digest is known once a run has asked for it. */
  private open: (OpenModel & { named: string; files: string; digest?: string }) | undefined;
  readonly hidden: HiddenStates;
  readonly temporaryCopies = new TemporaryCopies();
  readonly openLayer = new OpenLayer();
  /** Reports the progress of a task to the worker. The process sets it for each task. */
  onProgress: (detail: string) => void = () => undefined;
  /** Reports an incident of the run to the worker. The process sets it once. */
  onIncident: (what: string) => void = () => undefined;
  /** Seconds spent waiting for the weights that were read last. */
  secondsOfWeights = 0;

  constructor(
    readonly state: string,
    readonly store: ArtifactStore,
    /** The paths that pipelines may read. */
    readonly allowed = new AllowedPaths(),
  ) {
    this.hidden = new HiddenStates(this);
  }

  engine(request: EngineRequest): Promise<Engine> {
    return this.engineSlot.get(request);
  }

  /** Returns the engine that the run was started with. @throws EngineChangedError if this machine has another one. */
  async engineOf(context: RunContext): Promise<Engine> {
    const { backend, threads, precision } = context.engine;
    const engine = await this.engine({ backend, threads, precision });
    const begun = engineText(context.engine);
    // A run that was started before engines named their kernels is compared only by what it has recorded.
    const { kernels: _, ...older } = engine;
    const here = engineText(context.engine.kernels === undefined ? older : engine);
    if (here !== begun) throw new EngineChangedError(begun, here);
    return engine;
  }

  /**
   * Opens a model. It stays open from task to task as long as its files do not change.
   * @throws ModelChangedError if it is not the model that the run began with, PathNotAllowedError, and the errors of hub, checkpoints and models
   */
  async model(ref: ModelRef): Promise<OpenModel> {
    const named = ref.repo === undefined ? ref.source : `${ref.repo}@${ref.revision}`;
    if (this.open?.named !== named || this.open.files !== (await filesOf(this.open.checkpoint))) {
      const opened = await openModel(await modelFolder(ref, this));
      this.open = { named, ...opened, files: await filesOf(opened.checkpoint) };
    }
    const { open } = this;
    // Results are stored under the digest of the model, and later runs find them there.
    if (ref.digest !== undefined) {
      open.digest ??= await modelDigest(open.checkpoint, { cacheFile: digestCache(this.state) });
      if (open.digest !== ref.digest) throw new ModelChangedError(open.checkpoint.folder);
    }
    return open;
  }

  /** Reads tensors as float32. The caller disposes them with {@link disposeWeights}. */
  async weights({ checkpoint }: OpenModel, specs: readonly TensorSpec[]): Promise<Map<string, Tensor>> {
    return toTensors(specs, prefetch(resolveTensors(checkpoint, specs)));
  }

  /**
   * Reads the tensors of a decoder layer, and has the system read those of the next layer into its cache while TensorFlow computes on this
   * layer.
   */
  async layerWeights(open: OpenModel, layer: number): Promise<Map<string, Tensor>> {
    const started = performance.now();
    this.openLayer.dropWeights();
    const weights = await this.weights(open, open.model.decoderLayer(layer).tensors);
    this.secondsOfWeights = (performance.now() - started) / 1000;
    if (layer + 1 < open.model.layers) readAhead(resolveTensors(open.checkpoint, open.model.decoderLayer(layer + 1).tensors).values());
    return weights;
  }

  /** Frees everything that is kept in memory between tasks. */
  forget(): void {
    this.hidden.forget();
    this.openLayer.forget();
  }
}

/** Returns the current state of a checkpoint's files as text. The folder may contain another model when the next run starts. */
async function filesOf({ folder, weightFiles }: Checkpoint): Promise<string> {
  const states = await Promise.all([join(folder, 'config.json'), ...weightFiles].map((file) => fileState(file).catch(() => 'gone')));
  return states.join('\n');
}
