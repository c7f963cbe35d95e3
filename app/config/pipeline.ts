/**
 * The resolved pipeline: a YAML file after checking, with defaults filled in and absolute paths. It is plain JSON, frozen, and all that a
 * workflow knows about the file. `schemas/pipeline.schema.json` defines syntax and defaults; these types mirror it.
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
  /** Number of shards that the windows are divided into; absent for 1, so that older pipelines keep their digests. */
  shards?: number;
}

/** `unstructured` or `N:M`, for example `2:4`. */
export type PatternText = string;

/** Besides these, the settings of its method. */
export interface Allocation extends AllocationSettings {
  method: AllocationMethodName;
}

/** Besides these, the settings of its method; `source` is an absolute path. */
export interface InitialMaskStage extends InitialSettings {
  type: 'initialMask';
  method: InitialMethodName;
  /** Requested share of zeros, in (0, 1). Follows from an N:M pattern. Absent for `method: file` if not given. */
  sparsity?: number;
  /** Absent only for `method: file`: then the file decides. */
  pattern?: PatternText;
  /** How the sparsity is spread over layers and linears; evenly if absent. */
  allocation?: Allocation;
}

/** Besides these, the settings of its strategy. */
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

/** A multiple-choice task: a known one, from the hub unless there is a file, or a custom one. */
export type ZeroShotTask = ({ task: string; file?: string } | { name: string; file: string }) & {
  /** Maximum number of documents, counted from the first; all if absent. */
  limit?: number;
  /** Whether the BOS token is added before every context. */
  bos: boolean;
};

export interface EvaluationStage {
  type: 'evaluation';
  states: ModelState[];
  /** Empty if none is requested. */
  perplexity: PerplexityTask[];
  /** Absent if none is requested. */
  zeroShot?: ZeroShotTask[];
}

export type Stage = CalibrationStage | InitialMaskStage | RebuildStage | EvaluationStage;

/** A repository of a hub to which the checkpoint is published. */
export interface PublishTarget {
  /** `organisation/name` */
  repository: string;
  private: boolean;
  branch: string;
}

export interface Outputs {
  /** What the store keeps. If absent, it depends on the worker's store. */
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
    /** Precision of matrix products; absent for float32, so that older pipelines keep their digests. */
    precision?: 'float32' | 'tf32' | 'bfloat16';
  };
  /** Absent if the file has no value, so that older pipelines keep their digests. */
  durability?: { maxLoss: number };
  /** For mixtures of experts. Absent if the file has no value. */
  experts?: { minTokens: number };
  /** Price of an hour of the device, for reports. Absent if the file has no value. */
  cost?: { perHour: number; currency: string };
  /** Where the outputs go besides the state folder. Absent if the file has no value. */
  outputs?: Outputs;
  stages: Stage[];
  /** Conditions that the result must meet for the run to count as good. Absent if there are none. */
  gates?: Gate[];
}
