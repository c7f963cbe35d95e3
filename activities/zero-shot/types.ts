/** Inputs and outputs of the activities for zero-shot tasks. */
import type { ModelState, ZeroShotTask } from '../../app/config/pipeline.js';
import type { ZeroShotScore } from '../result.js';
import type { ArtifactKey, PerplexityInput, QuestionsPart, UnitResult, WithContext } from '../types.js';

/** The questions of a zero-shot task in the store. */
export interface QuestionsRef {
  key: ArtifactKey;
  documents: number;
  /** Number of sequences and tokens (padding included) of each part, and bytes of its hidden states. */
  parts: { samples: number; tokens: number; bytes: number }[];
}

export interface SampleQuestionsInput extends WithContext {
  task: ZeroShotTask;
}
export interface SampleQuestionsResult extends UnitResult {
  questions: QuestionsRef;
}

/** Find the parts whose log-likelihoods under the masks of all layers are in the store. */
export interface FindLikelihoodsInput extends WithContext {
  parts: QuestionsPart[];
  masks: (ArtifactKey | null)[];
}

/** Compute the zero-shot results of a state of the model from the log-likelihoods of all parts, and write these beside the report. */
export interface JudgeZeroShotInput extends WithContext {
  workflowId: string;
  state: ModelState;
  masks: (ArtifactKey | null)[];
  tasks: { label: string; task: ZeroShotTask; questions: QuestionsRef }[];
}
export interface JudgeZeroShotResult extends UnitResult {
  scores: Record<string, ZeroShotScore>;
}

/** The activities for zero-shot tasks. The forwards through the layers are those of all paths. */
export interface ZeroShotActivities {
  sampleQuestions(input: SampleQuestionsInput): Promise<SampleQuestionsResult>;
  findLikelihoods(input: FindLikelihoodsInput): Promise<boolean[]>;
  scoreLikelihoods(input: PerplexityInput): Promise<UnitResult>;
  judgeZeroShot(input: JudgeZeroShotInput): Promise<JudgeZeroShotResult>;
}
