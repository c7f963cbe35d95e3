/** Inputs and outputs of the activities: references and small numbers, never tensors. */
import type {
  Allocation,
  CalibrationStage,
  InitialMaskStage,
  ModelState,
  Outputs,
  PerplexityTask,
  Pipeline,
  PublishTarget,
  RebuildStage,
  ZeroShotTask,
} from '../app/config/pipeline.js';
import type { KeptOutputs } from '../files/artifacts/kept-run.js';
import type { Published } from '../files/hub/publish.js';
import type { Lock } from '../app/config/lock.js';
import type { AllocationNeeds } from '../science/methods/allocation/method.js';
import type { InitialMaskEntry, PipelineResult, RebuildEntry, WorkCosts, ZeroShotScore } from './result.js';
import type { SearchTable } from './search-result.js';
import type { SweepTable } from './sweep-result.js';

/** Key of an artifact in the store. */
export type ArtifactKey = string;

/**
 * What a run decides once, at its start, because it can change the bits of the result or because every later
 * activity needs it. It travels with every activity of the run.
 */
export interface RunContext {
  model: {
    /** Its folder on the machine where the run began. */
    source: string;
    /** Of a model from a hub: repository id, and the commit that was read. */
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
  /** Sequences that go through a decoder layer together. */
  sequencesPerBatch: number;
  /** Digests of the other files that the pipeline reads (texts, tokenizer, mask files), by absolute path; of datasets by name as `repository@commit/path`. */
  files: Record<string, string>;
  /** Commits of the datasets by name, by `repository@revision` as the pipeline has it; absent if there are none. */
  commits?: Record<string, string>;
  /** Pattern that all masks of the run keep, and the sparsity asked for. */
  pattern: string;
  sparsity: number;
  /** Of mixtures of experts: with fewer tokens, an expert's statistics are not used. */
  experts?: { minTokens: number };
  /** Indices of the stages that work from shards of their calibration. Absent where none does. */
  sharded?: number[];
  /** Seconds of forwards that a crash may cost: how often hidden states are stored. Runs begun by earlier versions store them after every layer. */
  maxLoss?: number;
  /** Seconds that the plan gives each stage of the pipeline. Changes nothing of the work. Absent in runs begun by earlier versions. */
  planned?: number[];
  /** Bytes of the compute process that the plan gives each stage of the pipeline at its peak. Likewise. */
  plannedBytes?: number[];
  /** In the stages that a retry recomputes: artifacts of theirs that are older than this time (ISO 8601) do not count as made. */
  notBefore?: string;
}

/** A request as it came: nothing of it has been checked before this. */
export interface PrepareRunInput {
  pipeline: Pipeline;
  /** Absolute path of the pipeline file's folder. */
  folder?: string;
  /** What the run has to be equal to. */
  lock?: Lock;
}

/** What else a run's request has. The first activity checks it; nothing but that needs it. */
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
  /** Of a shard: the windows that it is a part of, and how many parts there are. */
  shard?: { whole: ArtifactKey; of: number };
  /** Of zero-shot questions, which go through the layers together. `key` then names them all, and `sequenceLength` is their mean. */
  questions?: QuestionsPart[];
}

/** A part of the questions of a zero-shot task: consecutive batches of sequences. */
export interface QuestionsPart {
  /** Of the task's questions in the store. */
  key: ArtifactKey;
  part: number;
}

/** The questions of a zero-shot task in the store. */
export interface QuestionsRef {
  key: ArtifactKey;
  documents: number;
  /** Sequences and tokens (filling included) of each part, and bytes of its hidden states. */
  parts: { samples: number; tokens: number; bytes: number }[];
}

/** A way through the model: which tokens, and under which mask each decoder layer before `layer` runs (null = dense). */
export interface Path {
  tokens: TokensRef;
  masks: (ArtifactKey | null)[];
  /** Masks of the path that it goes along with: of two runs that each need a dense path, none drops the other's states. */
  beside?: (ArtifactKey | null)[];
}

/** As much of a path as the keys of masks depend on. */
export interface KeyedPath {
  tokens: Pick<TokensRef, 'key'>;
  masks: Path['masks'];
}

/** What every unit of work reports. */
export interface UnitResult {
  /** Seconds of work, also when the artifact was found: then those that making it took. */
  seconds: number;
  reused: boolean;
  /** Absent where it was found. */
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
  /** The same windows in parts, in their order; absent where they are not divided. */
  shards?: TokensRef[];
}

export interface MaskResult extends UnitResult {
  mask: ArtifactKey;
}
export interface InitialMaskResult extends MaskResult {
  /** Share of the layer's weights that are pruned. */
  sparsity: number;
  entries: InitialMaskEntry[];
}

/** The linears' scores by which an allocation spreads the sparsity. */
export interface ScoresInput extends WithContext {
  method: Allocation['method'];
  /** Calibration; absent if there is none. */
  tokens?: TokensRef;
}
/** What an allocation has to have run for its scores. */
export interface ScoresFound {
  needs: AllocationNeeds;
  /** Whether the scores of all layers are there. */
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

/** Sum up what a layer's first masks follow from over the windows of one shard. */
export interface GatherInput extends WithContext {
  stage: InitialMaskStage;
  layer: number;
  /** Of the shard, through the layers already pruned. */
  path: Path;
}
/** Add up what was gathered of all shards, and choose a layer's first masks by it. */
export interface ChooseMaskInput extends GatherInput {
  /** Of all windows, through the layers already pruned. */
  path: Path;
  /** In the order in which they are added. */
  shards: TokensRef[];
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

/** Work on a layer's rebuild whose calibration is in shards. */
export interface ShardedRebuildInput extends RebuildInput {
  /** Masks of the layer as they stand: those of the sub-blocks before `block` are rebuilt. */
  current: ArtifactKey;
}
/** Sum up over one shard what the masks of one sub-block follow from; `path` is the shard's. */
export interface GatherSubBlockInput extends ShardedRebuildInput {
  /** Index of the sub-block. */
  block: number;
}
/** The rebuilt masks of the whole layer are in the store, so nothing was done. Another run of this store may have made them meanwhile. */
export interface LayerMade extends UnitResult {
  made: true;
}
/** Work on a layer that was not made. */
interface LayerPart extends UnitResult {
  made: false;
}
export type GatherSubBlockResult = LayerMade | LayerPart;
/** Add up what was gathered of all shards, and rebuild the masks of one sub-block by it; `path` is that of all windows. */
export interface RebuildSubBlockInput extends GatherSubBlockInput {
  /** In the order in which they are added. */
  shards: TokensRef[];
}
export type RebuildSubBlockResult = LayerMade | (LayerPart & {
  /** The layer's masks after it. */
  mask: ArtifactKey;
  /** Number of sub-blocks that come after it. */
  left: number;
});
/** What a shard's windows say of a rebuilt layer. */
export type FinishShardResult = LayerMade | (LayerPart & {
  /** Of each sub-block under its new masks, means over the shard's sequences. */
  errors: number[];
});
/** Make a layer's rebuilt masks whole; `path` is that of all windows. */
export interface CloseLayerInput extends RebuildInput {
  shards: TokensRef[];
  /** The layer's masks after each of its sub-blocks so far. They are removed. */
  blocks: ArtifactKey[];
  /** Absent if the layer was found. */
  finished?: {
    /** What the shards have found, in their order. */
    errors: number[][];
    /** Seconds of the layer's work. */
    seconds: number;
  };
}

/** Find the perplexity of a path through all layers, if it is known. */
export interface PerplexityInput extends WithContext {
  path: Path;
}
/** Score the hidden states after the last layer. */
export interface ScorePerplexityInput extends PerplexityInput {
  /** Seconds that the way through the layers took: the cost of the perplexity without the scoring. */
  spent?: number;
}
export interface PerplexityResult extends UnitResult {
  perplexity: number;
  /** Number of tokens that were scored. */
  scored: number;
}

export interface SampleQuestionsInput extends WithContext {
  task: ZeroShotTask;
}
export interface SampleQuestionsResult extends UnitResult {
  questions: QuestionsRef;
}

/** Which of the parts have known log-likelihoods under the masks of all layers. */
export interface FindLikelihoodsInput extends WithContext {
  parts: QuestionsPart[];
  masks: (ArtifactKey | null)[];
}

/** Judge a state of the model by the log-likelihoods of all parts of its tasks, and write these beside the report. */
export interface JudgeZeroShotInput extends WithContext {
  workflowId: string;
  state: ModelState;
  masks: (ArtifactKey | null)[];
  tasks: { label: string; task: ZeroShotTask; questions: QuestionsRef }[];
}
export interface JudgeZeroShotResult extends UnitResult {
  scores: Record<string, ZeroShotScore>;
}

/** Take the hidden states of a path through one more layer. */
export interface AdvanceInput extends WithContext {
  layer: number;
  path: Path;
  /** The layer's mask, or null to run it dense. */
  mask: ArtifactKey | null;
  /** Keep the stored states before the layer, too. */
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

/** Prove the masks of all layers that a stage has made. */
export interface ProveMasksInput extends WithContext {
  stage: InitialMaskStage | RebuildStage;
  masks: ArtifactKey[];
  /** What a rebuild began with, layer by layer. */
  start: ArtifactKey[];
}
/** Prove what a run hands out. */
export interface ProveOutputsInput extends WithContext {
  workflowId: string;
  outputs: Pick<WriteOutputsResult, 'checkpoint' | 'mask'>;
  /** What the pipeline says that the store keeps. */
  keep?: Outputs['keep'];
}
export interface ProveOutputsResult extends UnitResult {
  /** `proof.json` */
  proof: string;
  digests?: PipelineResult['digests'];
  /** Where the store keeps checkpoint and mask. */
  kept?: KeptOutputs;
}

export interface WriteReportInput extends WithContext, PrepareRunInput {
  workflowId: string;
  result: PipelineResult;
}
/** The files that were written; checkpoint, mask and proof if they were brought from another machine; seconds and gates where those of an earlier run with the same result stand. */
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
export interface Activities {
  prepareRun(input: PrepareRunInput & CheckedWithRun): Promise<RunContext>;
  sampleCalibration(input: SampleCalibrationInput): Promise<SampleResult>;
  sampleEvaluation(input: SampleEvaluationInput): Promise<SampleResult>;
  findScores(input: ScoresInput): Promise<ScoresFound>;
  scoreLayer(input: ScoreLayerInput): Promise<UnitResult>;
  makeInitialMask(input: InitialMaskInput): Promise<InitialMaskResult>;
  gatherShard(input: GatherInput): Promise<UnitResult>;
  chooseMask(input: ChooseMaskInput): Promise<InitialMaskResult>;
  rebuildLayer(input: RebuildInput): Promise<RebuildResult>;
  gatherSubBlock(input: GatherSubBlockInput): Promise<GatherSubBlockResult>;
  rebuildSubBlock(input: RebuildSubBlockInput): Promise<RebuildSubBlockResult>;
  finishShard(input: ShardedRebuildInput): Promise<FinishShardResult>;
  closeLayer(input: CloseLayerInput): Promise<RebuildResult>;
  findPerplexity(input: PerplexityInput): Promise<PerplexityResult | null>;
  advanceLayer(input: AdvanceInput): Promise<UnitResult>;
  scorePerplexity(input: ScorePerplexityInput): Promise<PerplexityResult>;
  sampleQuestions(input: SampleQuestionsInput): Promise<SampleQuestionsResult>;
  findLikelihoods(input: FindLikelihoodsInput): Promise<boolean[]>;
  scoreLikelihoods(input: PerplexityInput): Promise<UnitResult>;
  judgeZeroShot(input: JudgeZeroShotInput): Promise<JudgeZeroShotResult>;
  proveMasks(input: ProveMasksInput): Promise<void>;
  writeOutputs(input: WriteOutputsInput): Promise<WriteOutputsResult>;
  proveOutputs(input: ProveOutputsInput): Promise<ProveOutputsResult>;
  /** @returns the report's path alone in histories of before there were locks */
  writeReport(input: WriteReportInput): Promise<WrittenReport | string>;
  /** Uploads the checkpoint to a hub. Runs whose pipelines ask for it, and whose gates have passed. */
  publishOutputs(input: PublishInput): Promise<Published>;
}

/** Where a run works: the task queue of one worker, and the identity of that worker's artifact store. */
export interface Place {
  taskQueue: string;
  store: string;
  /** What the worker calls itself to the server, `<process>@<machine>`. Absent where an earlier version gave the seat. */
  worker?: string;
}

/** What a worker says of an activity beside its result: when it had it, by its own clock in milliseconds since 1970, and which attempt it was. */
export interface WorkTimes {
  begun: number;
  ended: number;
  attempt: number;
}

/** What every worker serves on the shared task queue, while no run sits there. */
export interface SharedActivities {
  /** @param input `beside`: task queues of the workers that the run has already */
  takeSeat(input: { store?: string; beside?: string[] }): Promise<Place>;
  /** Checks the request of a sweep before anything of it is begun. */
  checkSweep(request: unknown): Promise<void>;
  /** Writes table, plot and report of a sweep. @returns the report's path */
  writeSweep(input: WriteSweepInput): Promise<string>;
  /** The same of a search. */
  checkSearch(request: unknown): Promise<void>;
  writeSearch(input: WriteSearchInput): Promise<string>;
}

/** Activities that run in the compute process; the report is text, and the worker itself writes and publishes. */
export type ComputeActivities = Omit<Activities, 'writeReport' | 'publishOutputs'>;
