/**
 * The resolved pipeline: what a YAML file means once it is checked, defaulted and its paths are absolute.
 * It is plain JSON, frozen, and the only thing that a workflow gets to know about the file.
 * `schemas/pipeline.schema.json` is the truth for syntax and defaults; these types mirror it.
 */

import type { DatasetSource, NamedDataset } from '../../files/datasets/dataset-source.js';
import type { AllocationMethodName, AllocationSettings } from '../../science/methods/allocation/registry.js';
import type { InitialMethodName, InitialSettings } from '../../science/methods/initial/registry.js';
import type { CommonSettings } from '../../science/methods/rebuild/method.js';
import type { RebuildStrategy, StrategySettings } from '../../science/methods/rebuild/registry.js';
import type { Gate } from './gate.js';

export type { DatasetSource, NamedDataset };

export interface CalibrationStage {
  type: 'calibration';
  dataset: DatasetSource;
  /** Number of windows. */
  samples: number;
  /** Tokens per window. */
  sequenceLength: number;
  sampling: 'sequential' | 'random';
  /** Seed of `random` sampling. */
  seed: number;
  /** Into how many shards the windows are divided; absent for 1, so that older pipelines keep their digests. */
  shards?: number;
}

/** `unstructured` or `N:M`, for example `2:4`. */
export type PatternText = string;

/** Beside these, the settings of its method. */
export interface Allocation extends AllocationSettings {
  method: AllocationMethodName;
}

/** Beside these, the settings of its method; `source` is an absolute path. */
export interface InitialMaskStage extends InitialSettings {
  type: 'initialMask';
  method: InitialMethodName;
  /** Share of zeros asked for, in (0, 1); absent for `method: file` without one. Follows from an N:M pattern. */
  sparsity?: number;
  /** Absent only for `method: file`: then the file decides. */
  pattern?: PatternText;
  /** How the sparsity is spread over layers and linears; evenly if absent. */
  allocation?: Allocation;
}

/** Beside these, the settings of its strategy. */
export interface RebuildStage extends StrategySettings, CommonSettings {
  type: 'rebuild';
  strategy: RebuildStrategy;
}

export type ModelState = 'dense' | 'initial' | 'rebuilt';

export interface PerplexityTask {
  dataset: DatasetSource;
  /** Tokens at the start of the stream that are not scored. */
  skipTokens: number;
  /** The maximum number of windows; all if absent. */
  maxWindows?: number;
  sequenceLength: number;
}

/** A multiple-choice task: a known one, from the hub unless there is a file, or one's own. */
export type ZeroShotTask = ({ task: string; file?: string } | { name: string; file: string }) & {
  /** At most so many documents, from the first on; all if absent. */
  limit?: number;
  /** Whether the BOS token is put before every context. */
  bos: boolean;
};

export interface EvaluationStage {
  type: 'evaluation';
  states: ModelState[];
  /** Empty where none is asked for. */
  perplexity: PerplexityTask[];
  /** Absent where none is asked for. */
  zeroShot?: ZeroShotTask[];
}

export type Stage = CalibrationStage | InitialMaskStage | RebuildStage | EvaluationStage;

/** A repository of a hub that gets the checkpoint. */
export interface PublishTarget {
  /** `organisation/name` */
  repository: string;
  private: boolean;
  branch: string;
}

export interface Outputs {
  /** What the store keeps; absent if that depends on the worker's store. */
  keep?: ('checkpoint' | 'mask' | 'report')[];
  publish?: PublishTarget;
}

export interface Pipeline {
  version: 1;
  name: string;
  model: {
    /** Absolute path of a Hugging Face folder, or a repository id. */
    source: string;
    revision?: string;
  };
  engine: {
    backend: 'auto' | 'tensorflow' | 'wasm';
    /** Of matrix products; absent for float32, so that older pipelines keep their digests. */
    precision?: 'float32' | 'tf32' | 'bfloat16';
  };
  /** Absent if the file has no value, so that older pipelines keep their digests. */
  durability?: { maxLoss: number };
  /** Of mixtures of experts. Absent if the file has no value. */
  experts?: { minTokens: number };
  /** Price of an hour of the device, for reports. Absent where the file says nothing. */
  cost?: { perHour: number; currency: string };
  /** Where the outputs go besides the state folder; absent if the file says nothing. */
  outputs?: Outputs;
  stages: Stage[];
  /** What the result must keep for the run to count as good; absent if nothing is asked for. */
  gates?: Gate[];
}
