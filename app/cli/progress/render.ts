import type { PipelineProgress, StageProgress } from '../../../workflows/protocol.js';
import { subBlockName, mergeExperts } from '../../report/index.js';
import { describeEnd, describeError, describePause } from './describe.js';
import { progressView } from '../../report/view/progress-view.js';
import type { Paint } from '../paint.js';
import { aboutTimeLeft, timeLeft } from './time-left.js';

const nameWidth = 'initialMask'.length;
const widestBar = 30;
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of exactly `width` characters; `share` in [0, 1]. */
export function bar(share: number, width: number): string {
  const filled = Math.min(1, Math.max(0, share)) * width;
  const whole = Math.floor(filled);
  return `${'█'.repeat(whole)}${eighths[Math.floor((filled - whole) * 8)] ?? ''}`.padEnd(width, '░');
}

/** Cuts to at most `width` characters, with an ellipsis if something is lost. */
export function clip(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/**
 * The pipeline's stages as lines for a terminal `columns` wide, with a bar each. Below them: what was rebuilt last, the progress of the
 * whole run, and whether it is paused.
 */
export function renderProgress(progress: PipelineProgress, columns: number): string[] {
  // The last column stays empty: some terminals wrap when it is written.
  const width = Math.max(1, columns - 1);
  const barWidth = Math.max(5, Math.min(widestBar, Math.floor(width / 4)));
  const stages = [...preparing(progress), ...progress.stages.map((stage) => renderStage(stage, barWidth))];
  const lines = [...stages, ...lastRebuilt(progress), ...overall(progress), ...(progress.pause === undefined ? [] : [describePause(progress.pause)])];
  return lines.map((line) => clip(line, width).trimEnd());
}

/** What the run is waiting for before the first stage starts. */
function preparing({ preparing: words, stages, pause }: PipelineProgress): string[] {
  const isBegun = stages.some(({ state }) => state !== 'waiting');
  if (isBegun || pause !== undefined) return [];
  return [words ?? 'Waiting for a worker ...'];
}

/** On separate lines, because beside a bar they would be cut. */
function lastRebuilt({ stages }: PipelineProgress): string[] {
  const { latest = [] } = stages.findLast((stage) => stage.latest !== undefined) ?? {};
  return mergeExperts(latest.filter(({ layer }) => layer === latest.at(-1)?.layer)).map((entry) => `  layer ${entry.layer} ${subBlockName(entry)} error ${describeError(entry)}`);
}

/** Progress of the whole run while it runs, if a plan or finished units allow an estimate. */
function overall({ stages }: PipelineProgress): string[] {
  const { share, left } = progressView({ stages });
  if (share === undefined || left === undefined || stages.every(({ state }) => state === 'done')) return [];
  return [`${Math.floor(100 * share)} % of the run done, ${aboutTimeLeft(left)} left`];
}

/** Colors the filled part of a bar by whether its stage runs, and prints the progress of the run in bold. */
export function paintProgress(line: string, paint: Paint): string {
  if (/% of the run done/.test(line)) return paint('bold', line);
  return line.replace(/[█▏▎▍▌▋▊▉]+/, (filled) => paint(line.includes('░') ? 'cyan' : 'green', filled)).replace(/░+/, (empty) => paint('dim', empty));
}

function renderStage(stage: StageProgress, barWidth: number): string {
  const share = stage.state === 'done' ? 1 : stage.total === 0 ? 0 : stage.done / stage.total;
  return `${stage.type.padEnd(nameWidth)} ${bar(share, barWidth)} ${facts(stage).join('  ')}`;
}

function facts(stage: StageProgress): string[] {
  switch (stage.state) {
    case 'waiting':
      return [];
    case 'done':
      return [describeEnd(stage)];
    case 'running': {
      const count = stage.total === 0 ? 'starting' : `${stage.done}/${stage.total}`;
      const left = stage.secondsLeft === undefined ? [] : [`${timeLeft(stage.secondsLeft)} left`];
      return [count, ...left, ...(stage.detail === '' ? [] : [stage.detail])];
    }
  }
}
