/** The result of a pipeline: what the workflow returns, and what the report is made from. */
import type { Comparison, Quantity } from '../app/config/gate.js';
import type { ModelState } from '../app/config/pipeline.js';
import type { KeptOutputs } from '../files/artifacts/kept-run.js';
import type { SubBlockEntry } from '../science/methods/index.js';

/** A linear whose initial mask needed more than the settings ask for, or could not be made with them. */
export interface InitialMaskEntry {
  layer: number;
  linear: string;
  /** The damping of SparseGPT, if it was raised because the Hessian was not positive definite. */
  damping?: number;
  /** Number of inputs that were zero on all calibration tokens. All weights that read them are pruned. */
  deadInputs?: number;
  /** Calibration tokens of its expert, if fewer than `experts.minTokens`. Its mask then depends on `|W|` alone. */
  tokens?: number;
}

/** The outcome of the rebuild for one sub-block of one decoder layer. */
export interface RebuildEntry extends SubBlockEntry {
  layer: number;
}

export type RebuildRound = NonNullable<SubBlockEntry['rounds']>[number];

/** Something that happened during a run and that the run survived. */
export interface Incident {
  /** ISO 8601, by the clock of the process that noticed it. */
  at: string;
  what: string;
}

export type ByDataset = Record<string, number>;
export type ByState<T> = Partial<Record<ModelState, T>>;

/** The score of a state of the model on a zero-shot task. Shares are fractions; standard errors follow lm-evaluation-harness. */
export interface ZeroShotScore {
  /** Share of documents whose most likely answer is right. */
  acc: number;
  /** Null for a single document. */
  acc_stderr: number | null;
  /** The same with log-likelihoods per character; null if the task does not ask for it. */
  acc_norm: number | null;
  acc_norm_stderr: number | null;
  documents: number;
  /** Expected accuracy of guessing: the mean of 1 / number of answers. Absent in older results. */
  chance?: number;
  /** Whether every context began with the BOS token. */
  bos: boolean;
  /** SHA-256 of the file with the log-likelihoods of all answers. */
  digest: string;
}

/** The outcome of a quality gate. */
export interface GateResult {
  /** Its name, or its condition if it has none. */
  gate: string;
  /** Its condition as written in the file. */
  asked: string;
  quantity: Quantity['kind'];
  comparison: Comparison;
  /** The number to compare with, after multiples of other states are computed; null if such a state has no number. */
  limit: number | null;
  /** Null if the run has no such number. */
  found: number | null;
  passed: boolean;
}

/** What work cost on the machine. Sums over the units that the run computed itself; units found in the store do not count. */
export interface WorkCosts {
  /** Bytes sent from JavaScript to TensorFlow. `bytesDown` are those sent back. */
  bytesUp: number;
  bytesDown: number;
  /** Number of TensorFlow operations called. */
  operations: number;
  /** On a GPU an operation only counts the time to start it. The wait for it happens when its result is read, and counts as `transfers`. */
  seconds: { products: number; elementwise: number; transfers: number; javascript: number; waiting: number };
  /** Largest resident memory of the compute process; absent if the system does not report it. */
  peakBytes?: number;
}

/** Which worker did what, and when. */
export interface Timeline {
  /** ISO 8601: when the run began. */
  from: string;
  /** Names of the workers, `<process>@<machine>`, in the order in which they joined. */
  workers: string[];
  /** In the order in which they ended. */
  units: TimelineUnit[];
  /** Number of later units that are merged into earlier ones here. Absent for 0. */
  joined?: number;
}

/** A piece of work that one worker did without interruption. Times are seconds since the start of the run. */
export interface TimelineUnit {
  /** Absent for work that belongs to no stage, for example the checks before the first one. */
  stage?: CostedStage;
  /** `rebuild, layer 3` */
  what: string;
  /** Index of the worker. */
  worker: number;
  /** When the run asked for it. Between `asked` and `begun` it waited for a worker, or attempts failed. */
  asked: number;
  begun: number;
  ended: number;
  /** Attempts on that worker; absent for 1. */
  attempts?: number;
  /** It failed, or its worker was gone before it ended. It was done again if the run continued. */
  lost?: true;
}

/** The costs that a plan predicted for a stage. */
export interface PlannedCosts {
  seconds: number;
  /** Peak memory of the compute process. Absent in results of earlier versions. */
  bytes?: number;
}

export type CostedStage = Exclude<keyof PipelineResult['seconds'], 'total'>;

/** The workflow's result. `run --json` prints it with `workflowId`, `runId` and `status` added. */
export interface PipelineResult {
  name: string;
  configDigest: string;
  /** The engine that computed: backend, versions, device, threads. */
  engine: { backend: string; version: string; device: string; kernels?: string; threads: number; precision?: string };
  model: { source: string; repo?: string; revision?: string; family: string; digest: string; layers: number; parameters: number; prunable: number };
  /** Folder of the pruned checkpoint. */
  checkpoint: string;
  /** Mask file. */
  mask: string;
  /** What was proved about checkpoint and mask, with their digests. */
  proof: string;
  /** Report for people, in Markdown. */
  report: string;
  /** The same report with charts, as one HTML file. Absent in older results. */
  page?: string;
  /** SHA-256 of the mask file, and of the checkpoint's files by name; absent if nothing is pruned. */
  digests?: { mask: string; checkpoint: Record<string, string> };
  /** Keys of the artifacts in which the store keeps checkpoint, mask and report; absent if it keeps none of them. */
  kept?: KeptOutputs;
  /** Where the checkpoint was published; absent if the pipeline does not ask for it, or if a gate failed. */
  published?: { repository: string; url: string; commit: string };
  /** `pipeline.lock.yaml`, with which the run can be repeated to the bit. */
  lock?: string;
  pattern: string;
  sparsity: { target: number; actual: number };
  perplexity: ByState<ByDataset>;
  /** By state and task; absent if the pipeline asks for no task. */
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
  /** By stage: the time by kind of work, and the transfers between host and device. Absent in older results, and for stages that computed nothing. */
  costs?: Partial<Record<CostedStage, WorkCosts>>;
  /** Units of work that were found in the artifact store. */
  reused: number;
  /** Seconds that this run itself worked, without those of the artifacts that it found. Absent in older results. */
  spent?: number;
  /** By stage: the part of its `seconds` that belongs to artifacts found in the store. Absent in older results. */
  found?: Partial<Record<CostedStage, number>>;
  /** By stage: what was predicted before the run began. Absent in older results. */
  planned?: Partial<Record<CostedStage, PlannedCosts>>;
  /** Absent in older results. */
  timeline?: Timeline;
  /** Crashes, outages, moves to other workers, lost artifacts. Absent if nothing happened. */
  incidents?: Incident[];
}
