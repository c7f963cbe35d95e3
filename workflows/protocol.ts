/**
 * What goes over the wire between a client and the `pipeline` workflow: its argument, its `progress` query, its
 * signals and its result.
 * Plain JSON, small (never tensors), and stable: recorded histories are replayed against it.
 */
import type { ByDataset, ByState, Incident, PipelineResult, RebuildEntry, WorkCosts, ZeroShotScore } from '../activities/result.js';
import type { Lock } from '../app/config/lock.js';
import type { Pipeline, Stage } from '../app/config/pipeline.js';

export type { ByDataset, ByState, GateResult, Incident, InitialMaskEntry, PipelineResult, RebuildEntry, RebuildRound, Timeline, TimelineUnit } from '../activities/result.js';

/** Names of the workflow type, of its progress query, and of the signals that hold it between two layers and let it continue. */
export const pipelineWorkflow = 'pipeline';
export const progressQuery = 'progress';
/** Name of the query for what a run has found out so far. It is larger than the progress, and changes once a layer. */
export const soFarQuery = 'soFar';
export const pauseSignal = 'pause';
export const resumeSignal = 'resume';

/** Name of the signal by which a worker tells what happened, with an `Incident`. */
export const incidentSignal = 'incident';

/** Key of the memo that a run has while it is paused. */
export const pausedMemo = 'paused';

/** Key of the memo with the time (ISO 8601) at which a run began that has continued as new. */
export const startedMemo = 'started';

export interface PipelineRequest {
  pipeline: Pipeline;
  /** SHA-256 of the resolved pipeline, hexadecimal. */
  configDigest: string;
  /** A retry recomputes what is older than `since` (ISO 8601), from the stage of that index on. */
  anew?: { from: number; since: string };
  /** Absolute path of the pipeline file's folder: paths in the lock start from there. Without it no lock is written. */
  folder?: string;
  /** What the run has to be equal to. */
  lock?: Lock;
}

export interface StageProgress {
  type: Stage['type'];
  state: 'waiting' | 'running' | 'done';
  /** Units of work (decoder layers, or layers times states) finished and in all; total is 0 until known. */
  done: number;
  total: number;
  /** What is in flight, for example `layer 7` or `rebuilt, layer 3`. */
  detail: string;
  /** Seconds of work so far. */
  seconds: number;
  /** Of the units that were made; absent as long as none was. */
  costs?: WorkCosts;
  /** Units that were found in the artifact store instead of made. */
  reused: number;
  /** Of the seconds, those that such units took when they were made. */
  secondsFound?: number;
  /** Seconds that the stage still needs, from its own units so far. */
  secondsLeft?: number;
  /** Seconds that the plan of the worker gave it. Absent before the plan, and in runs of earlier versions. */
  planned?: number;
  /** The last rebuilt sub-blocks, newest last (rebuild stages only). */
  latest?: RebuildEntry[];
}

export interface PipelineProgress {
  name: string;
  configDigest: string;
  /** `asked`: it will pause after the layer in flight; `reached`: it is paused. */
  pause?: 'asked' | 'reached';
  /** What has happened so far, as it became known. */
  incidents?: Incident[];
  /** What the worker says before the first stage begins; put in by whoever asks, not by the workflow. */
  preparing?: string;
  stages: StageProgress[];
}

/** What a run has come to so far. */
export interface RunSoFar {
  /** Absent until the request is checked. */
  about?: Pick<PipelineResult, 'model' | 'engine' | 'pattern'> & { sparsity: number };
  perplexity: ByState<ByDataset>;
  zeroShot: ByState<Record<string, ZeroShotScore>>;
  /** Sub-blocks that the rebuild has finished; of several rebuild stages, those of the last. */
  rebuild: Omit<RebuildEntry, 'rounds' | 'refit' | 'reconstruction' | 'forwards'>[];
}
