import type { ByDataset, ByState, InitialMaskEntry, PipelineResult, RebuildEntry } from '../activities/result.js';
import type { ModelState } from '../app/config/pipeline.js';
import type { ArtifactKey, ProveOutputsResult, TokensRef } from '../activities/types.js';
import type { QuestionsRef } from '../activities/zero-shot/types.js';
import type { ZeroShotScores } from './zero-shot.js';

/**
 * The state of a run: references and small numbers. It is plain JSON, because a run that continues as new passes it on. It is complete at
 * every moment between two units of work.
 */
export interface RunState {
  /** Index of the current stage, or of the next one. */
  stage: number;
  tokens?: TokensRef;
  /** The same windows in shards, if the calibration is divided. */
  shards?: TokensRef[];
  /** One mask for each decoder layer, after the stage has run. */
  masks: { initial?: ArtifactKey[]; rebuilt?: ArtifactKey[] };
  perplexity: ByState<ByDataset>;
  zeroShot: ZeroShotScores;
  initialMask: PipelineResult['initialMask'];
  rebuild: PipelineResult['rebuild'];
  outputs: Pick<PipelineResult, 'checkpoint' | 'mask' | 'proof'> & { pruned: number } & Partial<Pick<ProveOutputsResult, 'digests' | 'kept'>>;
  /** Progress within the current stage. Absent between two stages. */
  part?: MaskPart | RebuildPart | EvaluationPart;
}

/** The results of an `initialMask` stage for its layers so far. */
export interface MaskPart {
  /** Whether the linears have been scored for the allocation. */
  scored: boolean;
  masks: ArtifactKey[];
  layers: number[];
  linears: InitialMaskEntry[];
}

/** The results of a `rebuild` stage for its layers so far. */
export interface RebuildPart {
  masks: ArtifactKey[];
  entries: RebuildEntry[];
  /** The layer that is being rebuilt from shards. Absent between two layers. */
  layer?: LayerSteps;
}

/** What is known of a layer between two steps of its rebuild from shards. */
export interface LayerSteps {
  /** The masks of the sub-blocks so far. */
  blocks: ArtifactKey[];
  /** The states between the steps of each of these sub-blocks, and of the current one. */
  states: ArtifactKey[][];
  /** Sub-blocks that are left. */
  left: number;
  /** Seconds of all activities so far. */
  seconds: number;
}

/** Progress of an `evaluation` stage: the indices of the current text and of the first of the stage's states that is not finished. */
export interface EvaluationPart {
  text: number;
  state: number;
  /** States after that one which are already finished. Absent if there are none. */
  finishedAhead?: ModelState[];
  /** Tokens of the text, after it is sampled. */
  tokens?: TokensRef;
  zeroShot: ZeroShotPart;
}

/** Progress of the zero-shot tasks of an `evaluation` stage. */
export interface ZeroShotPart {
  /** Questions of the tasks so far. */
  questions: QuestionsRef[];
  /** Index of the next state. */
  state: number;
  /** Number of groups of questions for that state, and how many have passed through the layers. Absent before the state is started. */
  groups?: { all: number; done: number };
  scores: ZeroShotScores;
}

/** Returns the state of a run before its first stage. @param checkpoint the model's folder: the checkpoint of a run that only evaluates */
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

/** Returns what is known of a layer before the first step of its rebuild from shards. */
export function newLayer(): LayerSteps {
  // How many sub-blocks it has is known after the first one.
  return { blocks: [], states: [[]], left: 1, seconds: 0 };
}
