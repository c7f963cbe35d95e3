import type { Activities, ArtifactKey, RunContext, TokensRef } from '../activities/types.js';
import type { EvaluationStage, ModelState } from '../app/config/pipeline.js';
import { datasetLabels } from './dataset-labels.js';
import type { StageTracker } from './progress.js';
import type { EvaluationPart, RunState } from './run-state.js';

/** What the parts of an evaluation need. */
export interface EvaluationRun {
  activities: Activities;
  context: RunContext;
  stage: EvaluationStage;
  tracker: StageTracker;
  /** Returns the masks of all layers of a state. */
  masksOf: (state: ModelState) => (ArtifactKey | null)[];
  /** Called at points where the run may continue as new. */
  continueAsNewIfDue: () => Promise<void>;
}

/** Runs the text windows of all tasks through all states of the model, and records the perplexities. */
export async function evaluatePerplexity(run: EvaluationRun, part: EvaluationPart, perplexity: RunState['perplexity']): Promise<void> {
  const { activities, context, stage, tracker, continueAsNewIfDue } = run;
  const labels = datasetLabels(stage.perplexity.map(({ dataset }) => dataset));
  while (part.text < stage.perplexity.length) {
    if (part.tokens === undefined) {
      const sampled = await activities.sampleEvaluation({ context, task: stage.perplexity[part.text] });
      tracker.recordWork(sampled);
      part.tokens = sampled.tokens;
    }
    for (; part.state < stage.states.length; part.state++) {
      await continueAsNewIfDue();
      const state = stage.states[part.state];
      const found = await perplexityOf(run, state, part.tokens);
      perplexity[state] = { ...perplexity[state], [labels[part.text]]: found };
    }
    delete part.tokens;
    part.state = 0;
    part.text++;
  }
}

async function perplexityOf({ activities, context, tracker, masksOf }: EvaluationRun, state: ModelState, tokens: TokensRef): Promise<number> {
  const { layers } = context.model;
  const masks = masksOf(state);
  const whole = { tokens, masks };
  tracker.setDetail(state);
  const known = await activities.findPerplexity({ context, path: whole });
  if (known !== null) {
    tracker.finishUnit(known);
    for (let layer = 0; layer < layers; layer++) tracker.finishUnit({ seconds: 0, reused: true });
    return known.perplexity;
  }
  let spent = 0;
  for (let layer = 0; layer < layers; layer++) {
    const path = { tokens, masks: masks.slice(0, layer) };
    tracker.setDetail(`${state}, layer ${layer}`);
    const advanced = await activities.advanceLayer({ context, layer, path, mask: masks[layer] ?? null });
    tracker.finishUnit(advanced);
    spent += advanced.seconds;
  }
  tracker.setDetail(`${state}, scoring`);
  const score = await activities.scorePerplexity({ context, path: whole, spent });
  tracker.finishUnit(score);
  return score.perplexity;
}
