/** Inputs and outputs of the activities: references and small numbers, never tensors. */
import type {
  Allocation,
  CalibrationStage,
  InitialMaskStage,
  Outputs,
  PerplexityTask,
  Pipeline,
  PublishTarget,
  RebuildStage,
} from '../app/config/pipeline.js';
import type { KeptOutputs } from '../files/artifacts/kept-run.js';
import type { Published } from '../files/hub/publish.js';
import type { Lock } from '../app/config/lock.js';
import type { AllocationNeeds } from '../science/methods/allocation/method.js';
import type { InitialMaskEntry, PipelineResult, RebuildEntry, WorkCosts } from './result.js';
import type { SearchTable } from './search-result.js';
import type { SweepTable } from './sweep-result.js';
import type { ShardActivities } from './shards/types.js';
import type { ZeroShotActivities } from './zero-shot/types.js';

/** Key of an artifact in the store. */
export type ArtifactKey = string;

/**
 * What a run fixes once, at its start, because it can change the bits of the result or because every later
 * activity needs it. It is part of every activity's input.
 */
export interface RunContext {
  model: {
    /** Its folder on the machine where the run began. */
    source: string;
    /** For a model from a hub: repository id, and the commit that was read. */
    repo?: string;
    revision?: string;
    /** Digest of config.json and of the weight files. */
    digest: string;
    family: string;
    layers: number;
    /** Numbers of all weights, and of those in the linears. */
    parameters: number;
    prunable: number;
  };
  engine: { backend: 'tensorflow' | 'wasm'; version: string; device: string; kernels?: string; threads: number; precision?: 'tf32' | 'bfloat16' };
  /** Number of sequences that go through a decoder layer together. */
  sequencesPerBatch: number;
  /** Digests of the other files that the pipeline reads, by absolute path, or by `repository@commit/path` for named datasets. */
  files: Record<string, string>;
  /** Commits of named datasets, by `repository@revision` as in the pipeline; absent if there are none. */
  commits?: Record<string, string>;
  /** The pattern of all masks of the run, and the requested sparsity. */
  pattern: string;
  sparsity: number;
  /** For mixtures of experts: the statistics of an expert with fewer tokens are not used. */
  experts?: { minTokens: number };
  /** Indices of the stages that several workers may work on. Absent if there are none. Earlier versions did not list evaluations. */
  sharded?: number[];
  /** Maximum seconds of forwards that a crash may cost. Runs of earlier versions store hidden states after every layer. */
  maxLoss?: number;
  /** Planned seconds of each stage of the pipeline. Does not affect the work. Absent in runs of earlier versions. */
  planned?: number[];
  /** Planned peak bytes of the compute process in each stage. Does not affect the work. Absent in runs of earlier versions. */
  plannedBytes?: number[];
  /** Set in stages that a retry recomputes: their artifacts from before this time (ISO 8601) are ignored. */
  notBefore?: string;
}

/** An unchecked request. */
export interface PrepareRunInput {
  pipeline: Pipeline;
  /** Absolute path of the pipeline file's folder. */
  folder?: string;
  /** The lock that the run must match. */
  lock?: Lock;
}

/** Further parts of a run's request. Only the first activity needs them; it checks them. */
export interface CheckedWithRun {
  configDigest?: unknown;
  anew?: unknown;
  workflowId?: string;
}

export interface WithContext {
  context: RunContext;
}

/** Token windows in the store. */
export interface TokensRef {
  key: ArtifactKey;
  samples: number;
  sequenceLength: number;
  /** For a shard: the key and the total number of all windows, the number of shards, and the first of its windows, from 0. */
  shard?: { whole: ArtifactKey; of: number; first: number; total: number };
  /** For zero-shot questions, which go through the layers together. `key` then stands for all of them, and `sequenceLength` is their mean. */
  questions?: QuestionsPart[];
}

/** A part of the questions of a zero-shot task: consecutive batches of sequences. */
export interface QuestionsPart {
  /** Key of the task's questions in the store. */
  key: ArtifactKey;
  part: number;
}

/** A way through the model: the tokens, and the mask of each decoder layer so far (null = dense). */
export interface Path {
  tokens: TokensRef;
  masks: (ArtifactKey | null)[];
  /** Masks of the path that this one accompanies. They keep the dense states of two runs separate. */
  beside?: (ArtifactKey | null)[];
}

/** The parts of a path that determine the keys of masks. */
export interface KeyedPath {
  tokens: Pick<TokensRef, 'key'>;
  masks: Path['masks'];
}

/** The report of every unit of work. */
export interface UnitResult {
  /** Seconds of work. If the artifact was found, the seconds that it took to make it. */
  seconds: number;
  reused: boolean;
  /** Absent if the artifact was found. */
  costs?: WorkCosts;
}

export interface SampleCalibrationInput extends WithContext {
  stage: CalibrationStage;
}
export interface SampleEvaluationInput extends WithContext {
  task: PerplexityTask;
}
export interface SampleResult extends UnitResult {
  tokens: TokensRef;
  /** The shards of the windows, in order; absent if the windows are not divided. */
  shards?: TokensRef[];
}

export interface MaskResult extends UnitResult {
  mask: ArtifactKey;
}
export interface InitialMaskResult extends MaskResult {
  /** Share of the layer's weights that is pruned. */
  sparsity: number;
  entries: InitialMaskEntry[];
}

/** Input for the scores of the linears, by which an allocation spreads the sparsity. */
export interface ScoresInput extends WithContext {
  method: Allocation['method'];
  /** Calibration; absent if there is none. */
  tokens?: TokensRef;
}
/** What must run for the scores of an allocation. */
export interface ScoresFound {
  needs: AllocationNeeds;
  /** Whether the scores of all layers are in the store. */
  known: boolean;
}
export interface ScoreLayerInput extends ScoresInput {
  tokens: TokensRef;
  layer: number;
}

export interface InitialMaskInput extends WithContext {
  stage: InitialMaskStage;
  layer: number;
  /** Calibration path through the layers already pruned; absent if the method needs no calibration. */
  path?: Path;
  /** Calibration that the linears were scored on, if the stage's allocation needs one. */
  scoredOn?: TokensRef;
}

export interface RebuildInput extends WithContext {
  stage: RebuildStage;
  layer: number;
  /** Calibration path through the layers already rebuilt. */
  path: Path;
  /** The layer's mask that the rebuild starts from. */
  start: ArtifactKey;
}
export interface RebuildResult extends MaskResult {
  entries: RebuildEntry[];
}

/** Look up the perplexity of a path through all layers. */
export interface PerplexityInput extends WithContext {
  path: Path;
}
/** Score the hidden states after the last layer. */
export interface ScorePerplexityInput extends PerplexityInput {
  /** Seconds that the forwards through the layers took: the cost of the perplexity without the scoring. */
  spent?: number;
}
export interface PerplexityResult extends UnitResult {
  perplexity: number;
  /** Number of tokens that were scored. */
  scored: number;
}

/** Take the hidden states of a path through one more layer. */
export interface AdvanceInput extends WithContext {
  layer: number;
  path: Path;
  /** The layer's mask, or null to run it dense. */
  mask: ArtifactKey | null;
  /** Whether to keep the stored states before the layer, too. */
  keep?: boolean;
}

export interface WriteOutputsInput extends WithContext {
  workflowId: string;
  masks: ArtifactKey[];
}
export interface WriteOutputsResult extends UnitResult {
  checkpoint: string;
  mask: string;
  pruned: number;
}

/** Prove the masks that a stage made, for all layers. */
export interface ProveMasksInput extends WithContext {
  stage: InitialMaskStage | RebuildStage;
  masks: ArtifactKey[];
  /** The masks that a rebuild started from, layer by layer. */
  start: ArtifactKey[];
}
/** Prove the outputs of a run. */
export interface ProveOutputsInput extends WithContext {
  workflowId: string;
  outputs: Pick<WriteOutputsResult, 'checkpoint' | 'mask'>;
  /** Which outputs the store keeps, according to the pipeline. */
  keep?: Outputs['keep'];
}
export interface ProveOutputsResult extends UnitResult {
  /** `proof.json` */
  proof: string;
  digests?: PipelineResult['digests'];
  /** The places of checkpoint and mask in the store. */
  kept?: KeptOutputs;
}

export interface WriteReportInput extends WithContext, PrepareRunInput {
  workflowId: string;
  result: PipelineResult;
}
/**
 * The files that were written. Checkpoint, mask and proof are present if they were fetched from another machine. Seconds and gates are present
 * if those of an earlier run with the same result apply.
 */
export type WrittenReport = Pick<PipelineResult, 'report' | 'page' | 'lock' | 'logLikelihoods' | 'kept'> & Partial<Pick<PipelineResult, 'seconds' | 'gates' | 'checkpoint' | 'mask' | 'proof'>>;

export interface PublishInput {
  workflowId: string;
  result: PipelineResult;
  target: PublishTarget;
}

export interface WriteSweepInput {
  sweepId: string;
  table: SweepTable;
}

export interface WriteSearchInput {
  searchId: string;
  table: SearchTable;
}

/** The activities by name, as workflows see them. */
export interface Activities extends ShardActivities, ZeroShotActivities {
  prepareRun(input: PrepareRunInput & CheckedWithRun): Promise<RunContext>;
  sampleCalibration(input: SampleCalibrationInput): Promise<SampleResult>;
  sampleEvaluation(input: SampleEvaluationInput): Promise<SampleResult>;
  findScores(input: ScoresInput): Promise<ScoresFound>;
  scoreLayer(input: ScoreLayerInput): Promise<UnitResult>;
  makeInitialMask(input: InitialMaskInput): Promise<InitialMaskResult>;
  rebuildLayer(input: RebuildInput): Promise<RebuildResult>;
  findPerplexity(input: PerplexityInput): Promise<PerplexityResult | null>;
  advanceLayer(input: AdvanceInput): Promise<UnitResult>;
  scorePerplexity(input: ScorePerplexityInput): Promise<PerplexityResult>;
  proveMasks(input: ProveMasksInput): Promise<void>;
  writeOutputs(input: WriteOutputsInput): Promise<WriteOutputsResult>;
  proveOutputs(input: ProveOutputsInput): Promise<ProveOutputsResult>;
  /** @returns only the report's path in histories from before there were locks */
  writeReport(input: WriteReportInput): Promise<WrittenReport | string>;
  /** Uploads the checkpoint to a hub, if the pipeline asks for it and the gates have passed. */
  publishOutputs(input: PublishInput): Promise<Published>;
}

/** Where a run works: the task queue of one worker, and the identity of that worker's artifact store. */
export interface Place {
  taskQueue: string;
  store: string;
  /** The worker's identity at the server, `<process>@<machine>`. Absent if an earlier version gave the seat. */
  worker?: string;
}

/** When a worker had an activity, by its own clock in milliseconds since 1970, and the number of the attempt. Sent with the result. */
export interface WorkTimes {
  begun: number;
  ended: number;
  attempt: number;
}

/** Activities that belong to no run: a worker gives its seat while that is vacant, and serves sweeps and searches at any time. */
export interface SharedActivities {
  /** @param input `beside`: task queues of the workers that the run already has */
  takeSeat(input: { store?: string; beside?: string[] }): Promise<Place>;
  /** Checks the request of a sweep before any of its runs starts. */
  checkSweep(request: unknown): Promise<void>;
  /** Writes the table, plot and report of a sweep. @returns the report's path */
  writeSweep(input: WriteSweepInput): Promise<string>;
  /** The same for a search. */
  checkSearch(request: unknown): Promise<void>;
  writeSearch(input: WriteSearchInput): Promise<string>;
}

/** Activities that run in the compute process. Writing the report and publishing run in the worker itself. */
export type ComputeActivities = Omit<Activities, 'writeReport' | 'publishOutputs'>;
