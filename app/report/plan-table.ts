/** Compares what stages took with what was predicted, as rows of a table. */
import { bytesText } from '../../errors/bytes-text.js';
import type { PipelineResult } from '../../workflows/protocol.js';
import { formatChange, formatDuration } from './format.js';
import { isPlanned, planRows, type PlanRow } from './view/plan-view.js';

export const planNote = 'Time is work, without waiting. Found: results from the store, with the time that it took to make them. Predicted: by the plan before the run started, for an empty store. Memory: the peak of the compute process.';

/** A heading, one row for each stage, and the total. Empty columns are left out. */
export function planTable(result: Pick<PipelineResult, 'seconds' | 'found' | 'planned' | 'costs'>): string[][] {
  const rows = planRows(result);
  const sum = (of: (row: PlanRow) => number | undefined): number => rows.reduce((total, row) => total + (of(row) ?? 0), 0);
  const most = (of: (row: PlanRow) => number | undefined): number | undefined => {
    const known = rows.flatMap((row) => of(row) ?? []);
    return known.length === 0 ? undefined : Math.max(...known);
  };
  const hasPlan = isPlanned(rows);
  const total: PlanRow = { name: 'total', seconds: result.seconds.total, made: sum(({ made }) => made), found: sum(({ found }) => found), ...(hasPlan && { planned: sum(({ planned }) => planned) }) };
  const [peak, plannedPeak] = [most((row) => row.peak), most((row) => row.plannedPeak)];
  const all: PlanRow[] = [...rows, { ...total, ...(peak !== undefined && { peak }), ...(plannedPeak !== undefined && { plannedPeak }) }];
  const isAnyFound = all.some(({ found }) => found > 0);
  const columns: [name: string, text: (row: PlanRow) => string, isShown?: boolean][] = [
    ['stage', ({ name }) => name],
    ['time', ({ seconds }) => formatDuration(seconds)],
    ['made', ({ made }) => formatDuration(made), isAnyFound],
    ['found', ({ found }) => formatDuration(found), isAnyFound],
    ['predicted time', ({ planned }) => (planned === undefined ? '' : formatDuration(planned)), hasPlan],
    ['difference', ({ seconds, planned }) => (planned === undefined || planned === 0 || seconds === 0 ? '' : formatChange(planned, seconds)), hasPlan],
    ['peak memory', (row) => (row.peak === undefined ? '' : bytesText(row.peak)), peak !== undefined],
    ['predicted memory', (row) => (row.plannedPeak === undefined ? '' : bytesText(row.plannedPeak)), plannedPeak !== undefined],
  ];
  const shown = columns.filter(([, , isShown = true]) => isShown);
  return [shown.map(([name]) => name), ...all.map((row) => shown.map(([, text]) => text(row)))];
}
