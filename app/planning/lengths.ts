import type { Pipeline } from '../config/pipeline.js';
import { stagesOf } from './batches.js';
import type { SettingProblem } from './setting-problem.js';

/** Returns the parts of an error for each stage with windows longer than the model's maximum. */
export function lengthProblems(pipeline: Pipeline, maxPositions: number): SettingProblem[] {
  const wanted = [
    ...stagesOf(pipeline, 'calibration').map(({ sequenceLength }) => ({ where: 'calibration.sequenceLength', value: sequenceLength })),
    ...stagesOf(pipeline, 'evaluation').flatMap(({ perplexity }) => perplexity.map(({ sequenceLength }, i) => ({ where: `evaluation.perplexity[${i}].sequenceLength`, value: sequenceLength }))),
  ];
  return wanted.filter(({ value }) => value > maxPositions).map(({ where, value }) => ({
    where,
    what: `${value} tokens are more than the model's positions`,
    expected: `at most ${maxPositions} (max_position_embeddings of the config.json of ${pipeline.model.source})`,
    remedy: 'Lower sequenceLength',
  }));
}
