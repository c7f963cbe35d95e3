/** The progress of a run over all of its stages. Pure. */
import type { PipelineProgress, StageProgress } from '../../../workflows/protocol.js';

export interface ProgressView {
  /** Share of the work done, 0 to 1; undefined if nothing is known about the duration of the stages. */
  share?: number;
  /** Seconds of work so far, including work found in the store. */
  spent: number;
  /** Seconds left; undefined if some stage has neither a plan nor finished units. */
  left?: number;
  /** Seconds planned for all stages; undefined for runs that started without a plan. */
  planned?: number;
}

/** Maximum factor by which the pace of finished stages may correct the plan of later ones. */
const maxCorrection = 5;

export function progressView({ stages }: Pick<PipelineProgress, 'stages'>): ProgressView {
  const pace = paceOf(stages);
  const lefts = stages.map((stage) => leftOf(stage, pace));
  const spent = sum(stages.map(({ seconds }) => seconds));
  const plans = stages.map(({ planned }) => planned);
  const left = allKnown(lefts);
  const planned = allKnown(plans);
  const isDone = stages.length > 0 && stages.every(({ state }) => state === 'done');
  return {
    spent,
    ...(isDone ? { left: 0, share: 1 } : left !== undefined && { left, share: spent + left > 0 ? spent / (spent + left) : 0 }),
    ...(planned !== undefined && { planned }),
  };
}

/** The mean of the stages' finished shares, for runs without any information on the duration of stages. */
export function stagesShare({ stages }: Pick<PipelineProgress, 'stages'>): number {
  const shares = stages.map(({ state, done, total }) => (state === 'done' ? 1 : total === 0 ? 0 : done / total));
  return sum(shares) / Math.max(1, shares.length);
}

/**
 * The ratio of the time of finished stages to their plan. Stages with reused work do not count, because that work took no time in this run.
 */
function paceOf(stages: readonly StageProgress[]): number {
  const made = stages.filter(({ state, planned, reused }) => state === 'done' && planned !== undefined && planned > 0 && reused === 0);
  const planned = sum(made.map((stage) => stage.planned ?? 0));
  if (planned === 0) return 1;
  return Math.min(maxCorrection, Math.max(1 / maxCorrection, sum(made.map(({ seconds }) => seconds)) / planned));
}

function leftOf({ state, done, planned, seconds, secondsLeft }: StageProgress, pace: number): number | undefined {
  if (state === 'done') return 0;
  // The stage's own units give the best estimate.
  if (state === 'running' && done > 0 && secondsLeft !== undefined) return secondsLeft;
  return planned === undefined ? undefined : Math.max(0, planned * pace - seconds);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function allKnown(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === values.length && values.length > 0 ? sum(known) : undefined;
}
