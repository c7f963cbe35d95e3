import type { Activities, ArtifactKey, RunContext, TokensRef, UnitResult } from '../activities/types.js';
import type { EvaluationStage, ModelState } from '../app/config/pipeline.js';
import { datasetLabels } from './dataset-labels.js';
import { inLanes, type Lane, type Lanes } from './lanes.js';
import type { StageTracker } from './progress.js';
import type { EvaluationPart, RunState } from './run-state.js';

/** What the parts of an evaluation need. */
export interface EvaluationRun {
  activities: Activities;
  context: RunContext;
  stage: EvaluationStage;
  tracker: StageTracker;
  /** The workers that the stage may use. */
  lanes: Lanes;
  /** Returns the masks of all layers of a state. */
  masksOf: (state: ModelState) => (ArtifactKey | null)[];
  /** Called at points where the run may continue as new. */
  continueAsNewIfDue: () => Promise<void>;
}

/** Runs the text windows of all tasks through all states of the model, and records the perplexities. States may be on several workers. */
export async function evaluatePerplexity(run: EvaluationRun, part: EvaluationPart, perplexity: RunState['perplexity']): Promise<void> {
  const { activities, context, stage, tracker, lanes, continueAsNewIfDue: between } = run;
  const labels = datasetLabels(stage.perplexity.map(({ dataset }) => dataset));
  while (part.text < stage.perplexity.length) {
    if (part.tokens === undefined) {
      const sampled = await activities.sampleEvaluation({ context, task: stage.perplexity[part.text] });
      tracker.recordWork(sampled);
      part.tokens = sampled.tokens;
    }
    const { tokens, text } = part;
    const left = stage.states.slice(part.state).filter((state) => part.finishedAhead?.includes(state) !== true);
    await inLanes(left, { lanes, tracker, between }, async (state, lane, finish) => {
      const found = await perplexityOf(run, { state, tokens, lane, finish });
      perplexity[state] = { ...perplexity[state], [labels[text]]: found };
      finishState(part, stage, state);
    });
    delete part.tokens;
    part.state = 0;
    part.text++;
  }
}

/** Records that a state is finished for the current text. */
function finishState(part: EvaluationPart, { states }: EvaluationStage, state: ModelState): void {
  const finished = new Set([...part.finishedAhead ?? [], state]);
  while (finished.delete(states[part.state])) part.state++;
  delete part.finishedAhead;
  if (finished.size > 0) part.finishedAhead = [...finished];
}

interface Measurement {
  state: ModelState;
  tokens: TokensRef;
  lane: Lane;
  finish: (made: UnitResult) => void;
}

async function perplexityOf({ context, masksOf }: EvaluationRun, { state, tokens, lane, finish }: Measurement): Promise<number> {
  const { layers } = context.model;
  const masks = masksOf(state);
  const whole = { tokens, masks };
  const known = await lane(state).findPerplexity({ context, path: whole });
  if (known !== null) {
    finish(known);
    for (let layer = 0; layer < layers; layer++) finish({ seconds: 0, reused: true });
    return known.perplexity;
  }
  let spent = 0;
  for (let layer = 0; layer < layers; layer++) {
    const path = { tokens, masks: masks.slice(0, layer) };
    const advanced = await lane(`${state}, layer ${layer}`).advanceLayer({ context, layer, path, mask: masks[layer] ?? null });
    finish(advanced);
    spent += advanced.seconds;
  }
  const score = await lane(`${state}, scoring`).scorePerplexity({ context, path: whole, spent });
  finish(score);
  return score.perplexity;
}
