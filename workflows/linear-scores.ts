import { ApplicationFailure } from '@temporalio/workflow';
import type { Activities, RunContext, ScoresFound, TokensRef } from '../activities/types.js';
import type { Allocation } from '../app/config/pipeline.js';
import type { StageTracker } from './progress.js';

/** How many passes over all layers an allocation needs before the masks are made. */
const scoringPasses: Record<ScoresFound['needs'], number> = { nothing: 0, inputs: 1, gradients: 2 };

/** @param found the answer of a current worker, or of an older version that only says whether all scores are known */
function scoresFound(found: ScoresFound | boolean, method: string): ScoresFound {
  return typeof found === 'boolean' ? { needs: method === 'sensitivity' ? 'gradients' : 'inputs', known: found } : found;
}

interface ScoringRun {
  activities: Activities;
  context: RunContext;
  tracker: StageTracker;
  /** The calibration; undefined if there is none. */
  tokens: TokensRef | undefined;
}

/** Scores all linears of the dense model on the calibration, if the allocation needs it. @throws ApplicationFailure if it needs one and there is none */
export async function scoreLinears({ activities, context, tracker, tokens }: ScoringRun, { method }: Allocation): Promise<void> {
  const { needs, known } = scoresFound(await activities.findScores({ context, method, ...(tokens && { tokens }) }), method);
  const layers = Array.from({ length: context.model.layers }, (_, layer) => layer);
  const units = layers.length * scoringPasses[needs];
  tracker.addUnits(units);
  if (known) {
    for (let unit = 0; unit < units; unit++) tracker.finishUnit({ seconds: 0, reused: true });
    return;
  }
  const calibration = calibrationOf(tokens);
  if (needs === 'gradients') {
    for (const layer of layers) {
      tracker.setDetail(`dense, layer ${layer}`);
      const path = { tokens: calibration, masks: new Array<null>(layer).fill(null) };
      tracker.finishUnit(await activities.advanceLayer({ context, layer, path, mask: null, keep: true }));
    }
  }
  // The gradient of the loss comes from the last layer; everything else from the first.
  for (const layer of needs === 'gradients' ? layers.toReversed() : layers) {
    tracker.setDetail(`scoring, layer ${layer}`);
    tracker.finishUnit(await activities.scoreLayer({ context, method, tokens: calibration, layer }));
  }
}

/** @throws ApplicationFailure, not retried, if there is no calibration */
export function calibrationOf(tokens: TokensRef | undefined): TokensRef {
  if (tokens === undefined) throw ApplicationFailure.nonRetryable('There is no calibration stage before this one.', 'StageOrderError');
  return tokens;
}
