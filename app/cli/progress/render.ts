import type { PipelineProgress, StageProgress } from '../../../workflows/protocol.js';
import { subBlockName } from '../../report/index.js';
import { describeEnd, describeError, describePause } from './describe.js';
import { timeLeft } from './time-left.js';

const nameWidth = 'initialMask'.length;
const widestBar = 30;
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of exactly `width` characters; `share` in [0, 1]. */
export function bar(share: number, width: number): string {
  const filled = Math.min(1, Math.max(0, share)) * width;
  const whole = Math.floor(filled);
  return `${'█'.repeat(whole)}${eighths[Math.floor((filled - whole) * 8)] ?? ''}`.padEnd(width, '░');
}

/** Cuts to at most `width` characters, with an ellipsis where something is lost. */
export function clip(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** The pipeline's stages as lines of a terminal `columns` wide: a bar each, and the last rebuilt sub-block's error; below, whether it is paused. */
export function renderProgress(progress: PipelineProgress, columns: number): string[] {
  // The last column stays empty: some terminals wrap when it is written.
  const width = Math.max(1, columns - 1);
  const barWidth = Math.max(5, Math.min(widestBar, Math.floor(width / 4)));
  const stages = [...(progress.preparing === undefined ? [] : [progress.preparing]), ...progress.stages.map((stage) => renderStage(stage, barWidth))];
  const lines = progress.pause === undefined ? stages : [...stages, describePause(progress.pause)];
  return lines.map((line) => clip(line, width).trimEnd());
}

function renderStage(stage: StageProgress, barWidth: number): string {
  const share = stage.state === 'done' ? 1 : stage.total === 0 ? 0 : stage.done / stage.total;
  return `${stage.type.padEnd(nameWidth)} ${bar(share, barWidth)} ${facts(stage).join('  ')}`;
}

function facts(stage: StageProgress): string[] {
  const last = stage.latest?.at(-1);
  const error = last === undefined ? [] : [`layer ${last.layer} ${subBlockName(last)} error ${describeError(last)}`];
  switch (stage.state) {
    case 'waiting':
      return [];
    case 'done':
      return [describeEnd(stage), ...error];
    case 'running': {
      const count = stage.total === 0 ? 'starting' : `${stage.done}/${stage.total}`;
      const left = stage.secondsLeft === undefined ? [] : [`${timeLeft(stage.secondsLeft)} left`];
      // The error says which layer is the last finished; the one in flight is named beside it.
      return [count, ...left, ...(stage.detail === '' ? [] : [stage.detail]), ...error];
    }
  }
}
