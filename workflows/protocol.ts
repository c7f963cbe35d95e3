/**
 * The messages between a client and the `pipeline` workflow: its argument, its queries, its signals and its result.
 * They are plain JSON, small (never tensors), and stable, because recorded histories are replayed against them.
 */
import type { ByDataset, ByState, Incident, PipelineResult, RebuildEntry, WorkCosts, ZeroShotScore } from '../activities/result.js';
import type { Lock } from '../app/config/lock.js';
import type { Pipeline, Stage } from '../app/config/pipeline.js';

export type { ByDataset, ByState, GateResult, Incident, InitialMaskEntry, PipelineResult, RebuildEntry, RebuildRound, Timeline, TimelineUnit } from '../activities/result.js';

/** Names of the workflow type, of its progress query, and of the signals that pause it between two layers and let it continue. */
export const pipelineWorkflow = 'pipeline';
export const progressQuery = 'progress';
/** Name of the query for the results of a run so far. They are larger than the progress, and change once per layer. */
export const soFarQuery = 'soFar';
export const pauseSignal = 'pause';
export const resumeSignal = 'resume';

/** Name of the signal with which a worker reports an `Incident`. */
export const incidentSignal = 'incident';

/** Key of the memo entry that a run has while it is paused. */
export const pausedMemo = 'paused';

/** Key of the memo entry with the time (ISO 8601) at which a run started, for runs that have continued as new. */
export const startedMemo = 'started';

export interface PipelineRequest {
  pipeline: Pipeline;
  /** SHA-256 of the resolved pipeline, hexadecimal. */
  configDigest: string;
  /** Set by a retry: recomputes everything older than `since` (ISO 8601), from the stage with the index `from` on. */
  anew?: { from: number; since: string };
  /** Absolute path of the pipeline file's folder. Paths in the lock are relative to it. Without it no lock is written. */
  folder?: string;
  /** The lock that the run must match. */
  lock?: Lock;
}

export interface StageProgress {
  type: Stage['type'];
  state: 'waiting' | 'running' | 'done';
  /** Units of work (decoder layers, or layers times states): finished, and in total. `total` is 0 until it is known. */
  done: number;
  total: number;
  /** What is in flight, for example `layer 7` or `rebuilt, layer 3`. */
  detail: string;
  /** Seconds of work so far. */
  seconds: number;
  /** Costs of the units that were computed. Absent until there is one. */
  costs?: WorkCosts;
  /** Number of units that were found in the artifact store. */
  reused: number;
  /** The part of `seconds` that those units took when they were computed. */
  secondsFound?: number;
  /** Estimated seconds left for the stage, from its own units so far. */
  secondsLeft?: number;
  /** Seconds that the worker's plan predicts for the stage. Absent before the plan, and in runs of earlier versions. */
  planned?: number;
  /** The most recently rebuilt sub-blocks, newest last. Only for rebuild stages. */
  latest?: RebuildEntry[];
}

export interface PipelineProgress {
  name: string;
  configDigest: string;
  /** `asked`: the run will pause after the layer in flight. `reached`: it is paused. */
  pause?: 'asked' | 'reached';
  /** Incidents so far, in the order in which they became known. */
  incidents?: Incident[];
  /** What the worker reports before the first stage starts. The client adds it, not the workflow. */
  preparing?: string;
  stages: StageProgress[];
}

/** The results of a run so far. */
export interface PartialResults {
  /** Absent until the request is checked. */
  about?: Pick<PipelineResult, 'model' | 'engine' | 'pattern'> & { sparsity: number };
  perplexity: ByState<ByDataset>;
  zeroShot: ByState<Record<string, ZeroShotScore>>;
  /** Sub-blocks that the rebuild has finished. If there are several rebuild stages, those of the last one. */
  rebuild: Omit<RebuildEntry, 'rounds' | 'refit' | 'reconstruction' | 'forwards'>[];
}
