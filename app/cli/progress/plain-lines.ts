import type { PipelineProgress, StageProgress } from '../../../workflows/protocol.js';
import { mergeExperts } from '../../report/index.js';
import { describeEnd, describeError, describePause } from './describe.js';
import { timeLeft } from './time-left.js';

/**
 * Returns the lines for what has changed since `previous`, for output that is not a terminal: one when a stage starts, one when it ends,
 * one for the last rebuilt layer, one for each file that is downloaded, and one when the run is paused or resumed. Empty if nothing has
 * changed.
 */
export function plainLines(previous: PipelineProgress | undefined, current: PipelineProgress): string[] {
  return [...downloadLines(previous?.preparing, current.preparing), ...current.stages.flatMap((stage, index) => stageLines(previous?.stages[index], stage)), ...pauseLines(previous?.pause, current.pause)];
}

/** Only the file, because its bytes would add a line twice a second. */
function downloadLines(before: string | undefined, now: string | undefined): string[] {
  const file = (words = ''): string => (words.startsWith('downloading ') ? (words.split(', ')[0] ?? '') : '');
  return file(now) === '' || file(now) === file(before) ? [] : [now ?? ''];
}

function pauseLines(before: PipelineProgress['pause'], now: PipelineProgress['pause']): string[] {
  if (before === now) return [];
  return [now === undefined ? 'resumed' : describePause(now)];
}

function stageLines(before: StageProgress | undefined, now: StageProgress): string[] {
  const lines: string[] = [];
  const stateBefore = before?.state ?? 'waiting';
  if (stateBefore === 'waiting' && now.state === 'running') lines.push(`${now.type}: started`);
  if (now.type === 'rebuild' && now.done > (before?.done ?? 0) && now.done > now.reused) lines.push(rebuiltLine(now));
  if (stateBefore !== 'done' && now.state === 'done') lines.push(`${now.type}: ${describeEnd(now)}`);
  return lines;
}

function rebuiltLine(stage: StageProgress): string {
  const newest = stage.latest?.at(-1)?.layer;
  const errors = mergeExperts(stage.latest ?? []).filter(({ layer }) => layer === newest).map((entry) => `${entry.block} error ${describeError(entry)}`);
  const left = stage.state === 'done' || stage.secondsLeft === undefined ? [] : [`${timeLeft(stage.secondsLeft)} left`];
  return [`${stage.type}: ${stage.done} of ${stage.total} layers`, ...errors, ...left].join(', ');
}
