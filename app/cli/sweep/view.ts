import type { PipelineProgress, StageProgress } from '../../../workflows/protocol.js';
import { metricOf } from '../../../workflows/sweep-metric.js';
import type { SweepRow, SweepTable } from '../../../workflows/sweep-protocol.js';
import { formatDuration, formatNumber, countText } from '../../report/index.js';
import { stagesShare } from '../../report/view/progress-view.js';
import type { View } from '../progress/display.js';
import { bar, clip } from '../progress/render.js';

export interface SweepView {
  /** `mostRuns`: for a search, the maximum number of members. */
  table: Omit<SweepTable, 'best'> & { mostRuns?: number };
  /** Progress of running members, by workflow id. */
  running: Record<string, PipelineProgress>;
}

const nameWidth = 48;
const maxLines = 30;

/** Shows all members as lines with a bar each. Of a large sweep, only running members are shown, and a count of the others. */
export const sweepView: View<SweepView> = {
  render({ table, running }, columns) {
    const shown = table.rows.length <= maxLines ? table.rows : table.rows.filter(({ status }) => status === 'running');
    const width = Math.min(nameWidth, Math.max(...shown.map(({ name }) => name.length), 0));
    const lines = shown.map((row) => `${clip(row.name, width).padEnd(width)} ${bar(shareOf(row, running[row.workflowId]), 12)} ${facts(row, running[row.workflowId])}`);
    return [...lines, countText(table)].map((line) => clip(line, Math.max(1, columns - 1)).trimEnd());
  },
  plain(before, { table }) {
    const earlier = new Map(before?.table.rows.map(({ name, status }) => [name, status]));
    const ended = table.rows.filter(({ status }) => status !== 'waiting' && status !== 'running').length;
    const all = table.mostRuns === undefined ? String(table.rows.length) : `at most ${table.mostRuns}`;
    return table.rows.flatMap((row) => {
      if (row.status === 'waiting' || row.status === earlier.get(row.name)) return [];
      return [`${row.name}: ${row.status === 'running' ? 'started' : `${facts(row)} (${ended} of ${all})`}`];
    });
  },
};

function shareOf({ status }: SweepRow, progress: PipelineProgress | undefined): number {
  if (status === 'done' || status === 'gateFailed') return 1;
  return progress === undefined ? 0 : stagesShare(progress);
}

function facts(row: SweepRow, progress?: PipelineProgress): string {
  switch (row.status) {
    case 'waiting':
      return '';
    case 'running': {
      const stage = progress?.stages.find(({ state }: StageProgress) => state === 'running');
      return stage === undefined ? 'starting' : `${stage.type} ${stage.done}/${stage.total} ${stage.detail}`;
    }
    case 'gateFailed':
    case 'done': {
      const perplexity = metricOf(row, 'perplexity.rebuilt') ?? metricOf(row, 'perplexity.initial');
      return [row.status === 'done' ? 'done' : 'gate failed', ...(perplexity === undefined ? [] : [`perplexity ${formatNumber(perplexity)}`]), formatDuration(row.seconds ?? 0)].join('  ');
    }
    case 'failed':
      return `failed: ${row.error?.message ?? ''}`;
    case 'skipped':
      return `skipped: ${row.because ?? ''}`;
    case 'cancelled':
      return 'cancelled';
  }
}
