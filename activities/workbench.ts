import { fileState, prefetch, resolveTensors, type Checkpoint, type PrefetchedTensors } from '../files/checkpoints/index.js';
import type { ArtifactStore } from '../files/artifacts/index.js';
import { engineText, type Engine, type EngineRequest, type Tensor } from '../science/engine/index.js';
import type { TensorSpec } from '../science/models/index.js';
import { join } from 'node:path';
import { AllowedPaths } from './allowed-paths.js';
import { EngineSlot } from './compute/engine-slot.js';
import { EngineChangedError } from './errors.js';
import { modelFolder, type ModelRef } from './hub-files.js';
import { HiddenStates } from './hidden-states.js';
import { openModel, type OpenModel } from './open-model.js';
import { PassingCopies } from './shards/passing-copies.js';
import type { RunContext } from './types.js';
import { toTensors } from './weights.js';

export type { OpenModel } from './open-model.js';

/**
 * What the stages of one compute process share: the engine, the open model, hidden states in memory,
 * and a place to say how far they are. Holds no state that cannot be read from disk again.
 */
export class Workbench {
  private readonly engineSlot = new EngineSlot();
  private open: (OpenModel & { named: string; files: string }) | undefined;
  private ahead: { source: string; layer: number; tensors: PrefetchedTensors } | undefined;
  readonly hidden: HiddenStates;
  readonly passing = new PassingCopies();
  /** Set by the process for each task: tells the worker how far the task is. */
  onProgress: (detail: string) => void = () => undefined;
  /** Likewise, for good: tells the worker what has happened to the run. */
  onIncident: (what: string) => void = () => undefined;
  /** Seconds that the last weights of a layer were waited for. */
  secondsOfWeights = 0;

  constructor(
    readonly state: string,
    readonly store: ArtifactStore,
    /** Where pipelines may read. */
    readonly allowed = new AllowedPaths(),
  ) {
    this.hidden = new HiddenStates(this);
  }

  engine(request: EngineRequest): Promise<Engine> {
    return this.engineSlot.get(request);
  }

  /** The engine that the run was begun with. @throws EngineChangedError if this machine has another one. */
  async engineOf(context: RunContext): Promise<Engine> {
    const { backend, threads, precision } = context.engine;
    const engine = await this.engine({ backend, threads, precision });
    const begun = engineText(context.engine);
    // A run that was begun before engines named their kernels is held to what it has recorded.
    const { kernels: _, ...older } = engine;
    const here = engineText(context.engine.kernels === undefined ? older : engine);
    if (here !== begun) throw new EngineChangedError(begun, here);
    return engine;
  }

  /**
   * The model stays open from task to task, as long as its files are what they were.
   * @throws PathNotAllowedError, and the errors of hub, checkpoints and models
   */
  async model(ref: ModelRef): Promise<OpenModel> {
    const named = ref.repo === undefined ? ref.source : `${ref.repo}@${ref.revision}`;
    if (this.open?.named !== named || this.open.files !== (await filesOf(this.open.checkpoint))) {
      this.ahead = undefined;
      const opened = await openModel(await modelFolder(ref, this));
      this.open = { named, ...opened, files: await filesOf(opened.checkpoint) };
    }
    return this.open;
  }

  /** Reads tensors as float32. The caller disposes them with {@link disposeWeights}. */
  async weights({ checkpoint }: OpenModel, specs: readonly TensorSpec[]): Promise<Map<string, Tensor>> {
    return toTensors(specs, prefetch(resolveTensors(checkpoint, specs)));
  }

  /**
   * Reads the tensors of a decoder layer, and begins to read those of the next one, which the system does
   * while TensorFlow computes on this one.
   */
  async layerWeights(open: OpenModel, layer: number): Promise<Map<string, Tensor>> {
    const read = (index: number): PrefetchedTensors =>
      prefetch(resolveTensors(open.checkpoint, open.model.decoderLayer(index).tensors));
    const source = open.checkpoint.folder;
    const ready = this.ahead?.source === source && this.ahead.layer === layer ? this.ahead.tensors : read(layer);
    const started = performance.now();
    const next = layer + 1 < open.model.layers ? layer + 1 : undefined;
    this.ahead = next === undefined ? undefined : { source, layer: next, tensors: read(next) };
    const weights = await toTensors(open.model.decoderLayer(layer).tensors, ready);
    this.secondsOfWeights = (performance.now() - started) / 1000;
    return weights;
  }

  /** Drops everything that is kept in memory between tasks. */
  forget(): void {
    this.hidden.forget();
    this.ahead = undefined;
  }
}

/** What the files of a checkpoint are at the moment. A folder may hold another model when the next run begins. */
async function filesOf({ folder, weightFiles }: Checkpoint): Promise<string> {
  const states = await Promise.all([join(folder, 'config.json'), ...weightFiles].map((file) => fileState(file).catch(() => 'gone')));
  return states.join('\n');
}
