import { absolutePath } from './absolute-path.js';
import { initialMethodOf } from '../../science/methods/initial/registry.js';
import { rebuildMethodOf } from '../../science/methods/rebuild/registry.js';
import { ownSettings } from '../../science/methods/settings.js';
import { namedRepositories } from '../../files/datasets/named-datasets.js';
import type {
  Allocation, CalibrationStage, DatasetSource, EvaluationStage, InitialMaskStage, ModelState, NamedDataset, PerplexityTask, Pipeline, RebuildStage, Stage,
  ZeroShotTask,
} from './pipeline.js';
import { parsePattern } from './pattern.js';
import { pointerOf } from './source-locations.js';
import type { Segments } from './source-locations.js';
import { schemaAt } from './schema.js';
import type { SemanticContext } from './semantics.js';
import { strategyOf } from './strategy.js';

/** The file's data after the check by the schema, with defaults filled in and paths as written. */
export interface CheckedFile extends Omit<Pipeline, 'stages' | 'gates'> {
  stages: CheckedStage[];
  gates?: CheckedGate[];
}

/** The syntax of `check` has been checked. */
export type CheckedGate = string | { name?: string; check: string };

interface CheckedStage {
  calibration?: Omit<CalibrationStage, 'type' | 'dataset'> & { dataset: CheckedDataset };
  initialMask?: CheckedInitialMask;
  rebuild?: Omit<RebuildStage, 'type' | 'strategy' | 'weights'> & Partial<Pick<RebuildStage, 'strategy' | 'weights'>>;
  evaluation?: CheckedEvaluation;
}

interface CheckedEvaluation {
  states?: ModelState[];
  perplexity?: (Omit<PerplexityTask, 'sequenceLength' | 'dataset'> & { sequenceLength?: number; dataset: CheckedDataset })[];
  zeroShot?: (string | { task?: string; name?: string; file?: string; limit?: number; bos?: boolean })[];
  limit?: number;
  bos: boolean;
}

type CheckedDataset = Extract<DatasetSource, { file: string }> | (Pick<NamedDataset, 'name'> & Partial<NamedDataset>);

type CheckedInitialMask = Omit<InitialMaskStage, 'type' | 'allocation'> & { allocation?: Omit<Allocation, 'method'> & { method: Allocation['method'] | 'uniform' } };

/** For evaluations without a calibration before them. */
const defaultSequenceLength = schemaAt(['stages', '0', 'calibration', 'sequenceLength']).default as number;

/** Resolves a checked file: makes paths absolute, and fills in the defaults that depend on other values. */
export function resolvePipeline(file: CheckedFile, { baseOf, isRepository }: Pick<SemanticContext, 'baseOf' | 'isRepository'>): Pipeline {
  const path = (text: string, at: Segments) => absolutePath(text, baseOf(pointerOf(at)));
  const dataset = (source: CheckedDataset, at: Segments): DatasetSource =>
    'file' in source
      ? { ...source, file: path(source.file, [...at, 'file']) }
      : { name: source.name, revision: source.revision ?? namedRepositories[source.name].revision, specialTokens: source.specialTokens ?? true };

  let sequenceLength = defaultSequenceLength;
  const states: ModelState[] = ['dense'];
  /** Whether kept weights are known to differ from the dense ones at this point. */
  let changed = false;
  const reach = (state: ModelState) => {
    if (!states.includes(state)) states.push(state);
  };
  const resolveStage = (stage: CheckedStage, position: number): Stage => {
    const at = ['stages', position] as const;
    if (stage.calibration !== undefined) {
      ({ sequenceLength } = stage.calibration);
      const { shards = 1, ...calibration } = stage.calibration;
      return { type: 'calibration', ...calibration, dataset: dataset(calibration.dataset, [...at, 'calibration', 'dataset']), ...(shards > 1 && { shards }) };
    }
    if (stage.initialMask !== undefined) {
      reach('initial');
      changed = initialMethodOf(stage.initialMask.method).updates;
      return { type: 'initialMask', ...initialMask(stage.initialMask, (source) => path(source, [...at, 'initialMask', 'source'])) };
    }
    if (stage.rebuild !== undefined) {
      reach('rebuilt');
      const resolved = rebuild(stage.rebuild, changed);
      changed = resolved.weights === 'refit' || (changed && resolved.weights === 'keep-updates');
      return resolved;
    }
    const { states: asked = [...states], perplexity = [], zeroShot = [], limit, bos = false } = stage.evaluation ?? {};
    const tasks = perplexity.map((task, index) => ({
      sequenceLength,
      ...task,
      dataset: dataset(task.dataset, [...at, 'evaluation', 'perplexity', index, 'dataset']),
    }));
    const questions = zeroShot.map((item, index) => {
      const task: Exclude<typeof item, string> = typeof item === 'string' ? { task: item } : item;
      const file = task.file === undefined ? {} : { file: path(task.file, [...at, 'evaluation', 'zeroShot', index, 'file']) };
      return { bos, ...(limit !== undefined && { limit }), ...task, ...file } as ZeroShotTask;
    });
    return { type: 'evaluation', states: [...asked], perplexity: tasks, ...(questions.length > 0 && { zeroShot: questions }) } satisfies EvaluationStage;
  };

  const { source } = file.model;
  const folder = !isRepository(source);
  return {
    version: 1,
    name: file.name,
    model: folder ? { source: path(source, ['model', 'source']) } : { ...file.model },
    engine: { ...file.engine },
    ...(file.durability !== undefined && { durability: { ...file.durability } }),
    ...(file.experts !== undefined && { experts: { ...file.experts } }),
    ...(file.cost !== undefined && { cost: { ...file.cost } }),
    ...(file.outputs !== undefined && { outputs: { ...file.outputs } }),
    stages: file.stages.map(resolveStage),
  };
}

function initialMask(stage: CheckedInitialMask, path: (source: string) => string): Omit<InitialMaskStage, 'type'> {
  const pattern = stage.pattern ?? (stage.method === 'file' ? undefined : 'unstructured');
  const nm = parsePattern(pattern);
  const { method = 'uniform', ...how } = stage.allocation ?? {};
  const sparsity = nm === undefined ? stage.sparsity : 1 - nm.n / nm.m;
  return {
    method: stage.method,
    ...(sparsity !== undefined && { sparsity }),
    ...(pattern !== undefined && { pattern: nm === undefined ? pattern : `${nm.n}:${nm.m}` }),
    // No allocation means uniform.
    ...(method !== 'uniform' && { allocation: { method, ...how } }),
    ...ownSettings(initialMethodOf(stage.method).settings, stage),
    ...(stage.source !== undefined && { source: path(stage.source) }),
  };
}

/**
 * Resolves the strategy of a rebuild stage, with only the settings that this strategy reads.
 * @param changed whether the weights before it are no longer the dense ones
 */
function rebuild(stage: NonNullable<CheckedStage['rebuild']>, changed: boolean): RebuildStage {
  const { granularity, metric } = stage;
  const strategy = strategyOf(stage);
  const { settings, defaults, defaultWeights } = rebuildMethodOf(strategy);
  return {
    type: 'rebuild', strategy, granularity, metric,
    weights: stage.weights ?? defaultWeights(changed),
    ...defaults,
    ...ownSettings(settings, stage),
  };
}
