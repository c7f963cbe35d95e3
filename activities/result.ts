/** What a pipeline comes to: the result of the workflow, and what the report is made from. */
import type { Comparison, Quantity } from '../app/config/gate.js';
import type { ModelState } from '../app/config/pipeline.js';
import type { KeptOutputs } from '../files/artifacts/kept-run.js';
import type { SubBlockEntry } from '../science/methods/index.js';

/** A linear whose initial mask needed more than the settings ask for, or could not be made by them. */
export interface InitialMaskEntry {
  layer: number;
  linear: string;
  /** The damping of SparseGPT: raised if the Hessian was not positive definite. */
  damping?: number;
  /** Inputs that were zero on all calibration tokens; all weights that read them are zero. */
  deadInputs?: number;
  /** Calibration tokens that its expert got, if those are fewer than `experts.minTokens`: its mask then follows from `|W|` alone. */
  tokens?: number;
}

/** One sub-block of one decoder layer, as the rebuild left it. */
export interface RebuildEntry extends SubBlockEntry {
  layer: number;
}

export type RebuildRound = NonNullable<SubBlockEntry['rounds']>[number];

/** Something that happened while a run was going on, and that it has survived. */
export interface Incident {
  /** ISO 8601, by the clock of whoever noticed it. */
  at: string;
  what: string;
}

export type ByDataset = Record<string, number>;
export type ByState<T> = Partial<Record<ModelState, T>>;

/** How a state of the model does on a zero-shot task. Shares as fractions; standard errors as lm-evaluation-harness has them. */
export interface ZeroShotScore {
  /** Documents whose likeliest answer is right. */
  acc: number;
  /** Null for a single document. */
  acc_stderr: number | null;
  /** The same with log-likelihoods by character; null if the task does not ask for it. */
  acc_norm: number | null;
  acc_norm_stderr: number | null;
  documents: number;
  /** What guessing comes to: the mean of one over the number of answers. Absent in older results. */
  chance?: number;
  /** Whether the BOS token stood before every context. */
  bos: boolean;
  /** SHA-256 of the file with the log-likelihoods of all answers. */
  digest: string;
}

/** What became of a quality gate. */
export interface GateResult {
  /** Its name, or else its condition. */
  gate: string;
  /** Its condition as the file has it. */
  asked: string;
  quantity: Quantity['kind'];
  comparison: Comparison;
  /** What the number was compared with, once multiples of other states are worked out; null if a state has none. */
  limit: number | null;
  /** Null if the run has no such number. */
  found: number | null;
  passed: boolean;
}

/** What work took of the machine. Sums over the units that the run made itself; what it found in the store is not in it. */
export interface WorkCosts {
  /** Bytes from JavaScript to TensorFlow and back. */
  bytesUp: number;
  bytesDown: number;
  /** Calls of TensorFlow's operations. */
  operations: number;
  /** On a GPU an operation only starts in its own time; whoever reads a result waits for it, in `transfers`. */
  seconds: { products: number; elementwise: number; transfers: number; javascript: number; waiting: number };
  /** Largest resident memory of the compute process; absent if the system does not say. */
  peakBytes?: number;
}

/** Which worker did what, and when. */
export interface Timeline {
  /** ISO 8601: when the run began. */
  from: string;
  /** What the workers call themselves, `<process>@<machine>`, in the order in which they came. */
  workers: string[];
  /** In the order in which they ended. */
  units: TimelineUnit[];
  /** Number of later pieces of work that are part of an earlier one here. Absent for 0. */
  joined?: number;
}

/** A piece of work that one worker did at a stretch. Times are seconds since the beginning of the run. */
export interface TimelineUnit {
  /** Absent for what belongs to no stage, for example the checks before the first one. */
  stage?: CostedStage;
  /** `rebuild, layer 3` */
  what: string;
  /** Index of the worker. */
  worker: number;
  /** When the run asked for it. Until `begun`, it waited for a worker, or attempts failed. */
  asked: number;
  begun: number;
  ended: number;
  /** Attempts of that worker; absent for one. */
  attempts?: number;
  /** Its worker was gone before it had ended, or it failed. It was done again if the run went on. */
  lost?: true;
}

/** What a plan gave a stage. */
export interface PlannedCosts {
  seconds: number;
  /** Of the compute process at its peak. Absent in results of earlier versions. */
  bytes?: number;
}

export type CostedStage = Exclude<keyof PipelineResult['seconds'], 'total'>;

/** The workflow's result. `run --json` prints it with `workflowId`, `runId` and `status` added. */
export interface PipelineResult {
  name: string;
  configDigest: string;
  /** What computed: backend, versions, device, threads. */
  engine: { backend: string; version: string; device: string; kernels?: string; threads: number; precision?: string };
  model: { source: string; repo?: string; revision?: string; family: string; digest: string; layers: number; parameters: number; prunable: number };
  /** Folder of the pruned checkpoint. */
  checkpoint: string;
  /** Mask file. */
  mask: string;
  /** What was proved of checkpoint and mask, with their digests. */
  proof: string;
  /** Report for people, Markdown. */
  report: string;
  /** The same with pictures, one HTML file. Absent in older results. */
  page?: string;
  /** SHA-256 of the mask file and of the checkpoint's files by name; absent if nothing is pruned. */
  digests?: { mask: string; checkpoint: Record<string, string> };
  /** Keys of the artifacts in which the store keeps checkpoint, mask and report; absent if it keeps none of them. */
  kept?: KeptOutputs;
  /** Where the checkpoint was published; absent if the pipeline does not ask for it, or a gate failed. */
  published?: { repository: string; url: string; commit: string };
  /** `pipeline.lock.yaml`, by which the run can be repeated to the bit. */
  lock?: string;
  pattern: string;
  sparsity: { target: number; actual: number };
  perplexity: ByState<ByDataset>;
  /** By state and task; absent if no task was asked for. */
  zeroShot?: ByState<Record<string, ZeroShotScore>>;
  /** Folder of the log-likelihoods of all answers, `<state>/<task>.jsonl`. */
  logLikelihoods?: string;
  /** Quality gates in the order of the file; absent if there are none. */
  gates?: GateResult[];
  initialMask: {
    /** Sparsity of every decoder layer. */
    layers: number[];
    linears: InitialMaskEntry[];
  };
  rebuild: { grown: number; pruned: number; layers: RebuildEntry[] };
  seconds: { calibration: number; initialMask: number; rebuild: number; evaluation: number; total: number };
  /** Where the time went, and what went between host and device, by stage. Absent in older results, and of stages that made nothing. */
  costs?: Partial<Record<CostedStage, WorkCosts>>;
  /** Units of work that were found in the artifact store. */
  reused: number;
  /** Seconds of work of this run itself, without those of what it found. Absent in older results. */
  spent?: number;
  /** Of the seconds of each stage, those of what was found in the store. Absent in older results. */
  found?: Partial<Record<CostedStage, number>>;
  /** What was predicted before the run began, by stage. Absent in older results. */
  planned?: Partial<Record<CostedStage, PlannedCosts>>;
  /** Absent in older results. */
  timeline?: Timeline;
  /** Crashes, outages, moves to other workers, lost artifacts. Absent if nothing happened. */
  incidents?: Incident[];
}
