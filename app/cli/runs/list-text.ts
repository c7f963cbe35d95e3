/** Shows runs on a terminal of 80 columns. */
import type { PipelineResult } from '../../../workflows/protocol.js';
import { formatDuration, formatNumber, formatPercent } from '../../report/index.js';
import type { RunFigures } from '../../report/view/run-figures.js';
import { clip } from '../progress/render.js';
import { painter, type Paint } from '../paint.js';
import { printable, textTable, timeText } from '../text-table.js';
import type { ListedRun } from './list-runs.js';

/** A listed run, and its results. */
export interface ShownRun extends ListedRun {
  figures?: RunFigures;
  perplexity?: PipelineResult['perplexity'];
  /** Why the run failed. */
  reason?: string;
}

const width = 80;
/** Minimum length of a shortened name in the table. The workflow id below is never cut. */
const shortestName = 6;

/**
 * One line with the results of each run, followed by a line that identifies it. Perplexities are those of a run's first text.
 * @param paint colors, as stdout takes them
 */
export function listText(runs: readonly ShownRun[], paint: Paint = painter(process.stdout), now = new Date()): string {
  const heading = ['STARTED UTC', 'STATUS', 'NAME', 'SPARSITY', 'DENSE', 'REBUILT', 'GAP', 'WORK'];
  const cells = runs.map(({ started, status, name, sparsity, pattern, figures }) => [
    startText(started, now), status, printable(name), sparsityText(sparsity, pattern), numberText(figures?.dense), numberText(figures?.rebuilt ?? figures?.initial),
    figures?.gap === undefined ? '' : `${Math.round(100 * figures.gap)} %`, figures === undefined ? '' : formatDuration(figures.seconds),
  ]);
  const fixed = textTable([heading, ...cells].map((row) => row.toSpliced(2, 1, ''))).split('\n').reduce((most, line) => Math.max(most, line.length), 0);
  const room = Math.max(shortestName, width - fixed);
  const [head, ...lines] = textTable([heading, ...cells.map((row) => row.with(2, clip(row[2], room)))]).split('\n');
  return [paint('dim', head), ...lines.flatMap((line, index) => [paintStatus(line, runs[index].status, paint), ...about(runs[index], paint)])].join('\n');
}

function about({ workflowId, model, methods = [], reason }: ShownRun, paint: Paint): string[] {
  const facts = [workflowId, ...(model === undefined ? [] : [model]), ...(methods.length === 0 ? [] : [methods.join(', ')])];
  // The id is meant to be copied, so it is never cut.
  const id = `  ${printable(workflowId)}`;
  const line = `  ${facts.map(printable).join('  ')}`;
  return [paint('dim', line.length <= width ? line : id), ...(reason === undefined ? [] : [paint('red', clip(`  ${printable(reason)}`, width))])];
}

function paintStatus(line: string, status: string, paint: Paint): string {
  const color = status === 'completed' ? 'green' : status === 'running' ? 'cyan' : status === 'failed' || status === 'gate failed' || status === 'timed out' ? 'red' : 'yellow';
  return line.replace(status, paint(color, status));
}

/** The day for a run of another year; otherwise day and minute. */
function startText(started: string, now: Date): string {
  const text = timeText(started);
  return text.slice(0, 4) === timeText(now).slice(0, 4) ? text.slice(5, 16) : text.slice(0, 10);
}

const numberText = (value: number | undefined): string => (value === undefined ? '' : formatNumber(value));

function sparsityText(sparsity: number | undefined, pattern: string | undefined): string {
  if (pattern !== undefined && pattern !== 'unstructured') return pattern;
  return sparsity === undefined ? '' : formatPercent(sparsity);
}
