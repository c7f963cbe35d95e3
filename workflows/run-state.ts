import type { ByDataset, ByState, InitialMaskEntry, PipelineResult, RebuildEntry } from '../activities/result.js';
import type { ArtifactKey, ProveOutputsResult, QuestionsRef, TokensRef } from '../activities/types.js';
import type { ZeroShotScores } from './zero-shot.js';

/**
 * What a run has come to so far: references and small numbers. It is plain JSON, because a run that continues as new hands it on, and
 * it holds at every moment between two units of work.
 */
export interface RunState {
  /** Index of the stage that runs, or runs next. */
  stage: number;
  tokens?: TokensRef;
  /** The same windows in parts, if the calibration is divided. */
  shards?: TokensRef[];
  /** One mask for each decoder layer, once the stage has run. */
  masks: { initial?: ArtifactKey[]; rebuilt?: ArtifactKey[] };
  perplexity: ByState<ByDataset>;
  zeroShot: ZeroShotScores;
  initialMask: PipelineResult['initialMask'];
  rebuild: PipelineResult['rebuild'];
  outputs: Pick<PipelineResult, 'checkpoint' | 'mask' | 'proof'> & { pruned: number } & Partial<Pick<ProveOutputsResult, 'digests' | 'kept'>>;
  /** How far the stage is that runs; absent between two stages. */
  part?: MaskPart | RebuildPart | EvaluationPart;
}

/** Of an `initialMask` stage: what its layers so far came to. */
export interface MaskPart {
  /** Whether the linears are scored, for the allocation. */
  scored: boolean;
  masks: ArtifactKey[];
  layers: number[];
  linears: InitialMaskEntry[];
}

/** Of a `rebuild` stage: what its layers so far came to. */
export interface RebuildPart {
  masks: ArtifactKey[];
  entries: RebuildEntry[];
}

/** Of an `evaluation` stage: which text, and which of the stage's states, comes next. */
export interface EvaluationPart {
  text: number;
  state: number;
  /** Of the text, once it is sampled. */
  tokens?: TokensRef;
  zeroShot: ZeroShotPart;
}

/** Of the zero-shot tasks of an `evaluation` stage. */
export interface ZeroShotPart {
  /** Of the tasks so far. */
  questions: QuestionsRef[];
  /** Index of the state that comes next. */
  state: number;
  /** How many groups of questions that state's run needs, and how many are through the layers; absent before the state. */
  groups?: { all: number; done: number };
  scores: ZeroShotScores;
}

/** The state of a run before its first stage. @param checkpoint the model's folder: a pipeline that only evaluates leaves it as it is */
export function newState(checkpoint: string): RunState {
  return {
    stage: 0,
    masks: {},
    perplexity: {},
    zeroShot: {},
    initialMask: { layers: [], linears: [] },
    rebuild: { grown: 0, pruned: 0, layers: [] },
    outputs: { checkpoint, mask: '', proof: '', pruned: 0 },
  };
}
