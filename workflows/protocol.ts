/**
 * What goes over the wire between a client and the `pipeline` workflow: its argument, its `progress` query and its result.
 * Plain JSON, small (never tensors), and stable: recorded histories are replayed against it.
 */
import type { ModelState, Pipeline, Stage } from '../config/pipeline.js';

/** Names of the workflow type and of its progress query. */
export const pipelineWorkflow = 'pipeline';
export const progressQuery = 'progress';

export interface PipelineRequest {
  pipeline: Pipeline;
  /** SHA-256 of the resolved pipeline, hexadecimal. */
  configDigest: string;
}

/** One sub-block of one decoder layer, as the rebuild left it. */
export interface RebuildEntry {
  layer: number;
  block: 'attention' | 'mlp';
  /** Mean squared error of the sparse against the dense output, before and after. */
  errorBefore: number;
  errorAfter: number;
  grown: number;
  pruned: number;
}

export interface StageProgress {
  type: Stage['type'];
  state: 'waiting' | 'running' | 'done';
  /** Units of work (decoder layers, or layers times states) finished and in all; total is 0 until known. */
  done: number;
  total: number;
  /** What is in flight, for instance `layer 7` or `rebuilt, layer 3`. */
  detail: string;
  /** Seconds of work so far. */
  seconds: number;
  /** Units that were found in the artifact store instead of made. */
  reused: number;
  /** Seconds that the stage still needs, from its own units so far. */
  secondsLeft?: number;
  /** The last rebuilt sub-blocks, newest last (rebuild stages only). */
  latest?: RebuildEntry[];
}

export interface PipelineProgress {
  name: string;
  configDigest: string;
  stages: StageProgress[];
}

export type ByDataset = Record<string, number>;
export type ByState<T> = Partial<Record<ModelState, T>>;

/** The workflow's result. `run --json` prints it with `workflowId`, `runId` and `status` added. */
export interface PipelineResult {
  name: string;
  configDigest: string;
  /** What computed: backend, versions, device, threads. */
  engine: { backend: string; version: string; device: string; threads: number };
  model: { source: string; family: string; digest: string; layers: number; parameters: number; prunable: number };
  /** Folder of the pruned checkpoint. */
  checkpoint: string;
  /** Mask file. */
  mask: string;
  /** Report for people, Markdown. */
  report: string;
  pattern: string;
  sparsity: { target: number; actual: number };
  perplexity: ByState<ByDataset>;
  rebuild: { grown: number; pruned: number; layers: RebuildEntry[] };
  seconds: { calibration: number; initialMask: number; rebuild: number; evaluation: number; total: number };
  /** Units of work that were found in the artifact store. */
  reused: number;
}
