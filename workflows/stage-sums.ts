/** Sums over all stages of one type, for the result of a run. Several stages of a type count as one. */
import type { RunContext } from '../activities/types.js';
import type { PipelineResult, StageProgress } from './protocol.js';
import { addCosts } from './work-costs.js';

type Sums = Pick<PipelineResult, 'costs' | 'seconds' | 'reused' | 'spent' | 'found' | 'planned'>;

/** @param stages in the order of the pipeline @param plan the predicted costs of each stage */
export function sumsByStage(stages: readonly StageProgress[], plan: Pick<RunContext, 'planned' | 'plannedBytes'>): Sums {
  return { ...costsOf(stages), ...workOf(stages), ...plannedOf(stages, plan) };
}

/** Only for stage types that computed something. */
function costsOf(stages: readonly StageProgress[]): Pick<Sums, 'costs'> {
  const sums: NonNullable<Sums['costs']> = {};
  for (const { type, costs } of stages) {
    if (costs !== undefined) sums[type] = addCosts(sums[type], costs);
  }
  return Object.keys(sums).length === 0 ? {} : { costs: sums };
}

function workOf(stages: readonly StageProgress[]): Pick<Sums, 'seconds' | 'reused' | 'spent' | 'found'> {
  const seconds = { calibration: 0, initialMask: 0, rebuild: 0, evaluation: 0, total: 0 };
  const found: NonNullable<Sums['found']> = {};
  let [reused, spent] = [0, 0];
  for (const stage of stages) {
    seconds[stage.type] += stage.seconds;
    seconds.total += stage.seconds;
    reused += stage.reused;
    const { secondsFound = 0 } = stage;
    if (secondsFound > 0) found[stage.type] = (found[stage.type] ?? 0) + secondsFound;
    spent += stage.seconds - secondsFound;
  }
  // Never below 0: the order of the additions can change the last bit.
  return { seconds, reused, spent: Math.max(0, spent), found };
}

/** The planned costs, if the plan has them: the sum of the times, and the largest of the peaks. */
function plannedOf(stages: readonly StageProgress[], { planned: times = [], plannedBytes: peaks = [] }: Pick<RunContext, 'planned' | 'plannedBytes'>): Pick<Sums, 'planned'> {
  if (times.length === 0) return {};
  const planned: NonNullable<Sums['planned']> = {};
  for (const [index, { type }] of stages.entries()) {
    const { seconds = 0, bytes = 0 } = planned[type] ?? {};
    const peak = Math.max(bytes, peaks.at(index) ?? 0);
    planned[type] = { seconds: seconds + (times.at(index) ?? 0), ...(peak > 0 && { bytes: peak }) };
  }
  return { planned };
}
