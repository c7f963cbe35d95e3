/** How far a run is, over all of its stages. Pure. */
import type { PipelineProgress, StageProgress } from '../../../workflows/protocol.js';

export interface ProgressView {
  /** Of the work, 0 to 1; undefined where nothing says how much the stages take. */
  share?: number;
  /** Seconds of work so far, what was found in the store included. */
  spent: number;
  /** Seconds that are left; undefined where some stage has neither a plan nor finished units. */
  left?: number;
  /** Seconds that the plan gave all stages; undefined for runs that began without a plan. */
  planned?: number;
}

/** How far the pace of finished stages may correct the plan of later ones. */
const mostCorrection = 5;

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

/** The mean share of the stages that is done: for runs of which nothing says how long stages take. */
export function stagesShare({ stages }: Pick<PipelineProgress, 'stages'>): number {
  const shares = stages.map(({ state, done, total }) => (state === 'done' ? 1 : total === 0 ? 0 : done / total));
  return sum(shares) / Math.max(1, shares.length);
}

/** How much longer finished stages took than was planned. What was found took no time of this run, and says nothing. */
function paceOf(stages: readonly StageProgress[]): number {
  const made = stages.filter(({ state, planned, reused }) => state === 'done' && planned !== undefined && planned > 0 && reused === 0);
  const planned = sum(made.map((stage) => stage.planned ?? 0));
  if (planned === 0) return 1;
  return Math.min(mostCorrection, Math.max(1 / mostCorrection, sum(made.map(({ seconds }) => seconds)) / planned));
}

function leftOf({ state, done, planned, seconds, secondsLeft }: StageProgress, pace: number): number | undefined {
  if (state === 'done') return 0;
  // Its own units know best.
  if (state === 'running' && done > 0 && secondsLeft !== undefined) return secondsLeft;
  return planned === undefined ? undefined : Math.max(0, planned * pace - seconds);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function allKnown(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === values.length && values.length > 0 ? sum(known) : undefined;
}
