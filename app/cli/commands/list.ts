import { runFigures } from '../../report/view/run-figures.js';
import { sorted, type SortKey } from '../../report/view/runs-view.js';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import type { GlobalOptions } from '../options.js';
import { labelFilter, type LabelOptions } from '../run-labels.js';
import { listText, type ShownRun } from '../runs/list-text.js';
import { listRuns, type ListedRun } from '../runs/list-runs.js';
import { RunEnds } from '../runs/run-ends.js';
import { hasServer, openSession } from '../session.js';
import { printJson } from '../output.js';
import { parseDuration } from '../schedule/duration.js';
import { parseTime } from '../schedule/time.js';

export interface ListOptions extends LabelOptions {
  /** A time, or a duration before now. */
  since?: string;
  sort?: SortKey;
  limit?: number;
}

/**
 * `list`: shows the pipelines that the server knows and how they ended, newest first. Filters here and not on the server, which may not
 * know our search attributes. Every run has its labels in its memo.
 * @returns the exit code
 */
export async function listCommand(asked: ListOptions, options: GlobalOptions): Promise<number> {
  const { since, sort = 'started', limit = Infinity } = asked;
  const hasLabels = labelFilter(asked);
  const from = since === undefined ? '' : startOf(since).toISOString();
  // Do not start a server or create a state folder only to find nothing.
  const all = hasServer(options.state) ? await collect(options.state, (run) => hasLabels(run) && run.started >= from, sort === 'started' ? limit : Infinity) : { runs: [], count: 0, wanted: 0 };
  const runs = sorted(all.runs, sort, false).slice(0, limit);
  if (options.json) printJson({ pipelines: runs.map(jsonOf) });
  else process.stdout.write(runs.length === 0 ? none(all.count, options.state) : `${listText(runs)}\n${more(all.wanted - runs.length)}`);
  return exitCode.done;
}

function startOf(since: string): Date {
  if (/^\d{4}-/.test(since)) return parseTime(since, '--since');
  if (!/^\d/.test(since)) throw new CommandLineError({ what: `--since ${since} is not a duration and not a time`, expected: 'a duration back from now, or a time', remedy: 'For example 12h, 7d or 2026-01-31' });
  return new Date(Date.now() - parseDuration(since, '--since'));
}

function none(others: number, state: string): string {
  return others === 0 ? `No pipeline has run yet (state ${state}).\n` : `None of the ${others} pipelines matches.\n`;
}

const more = (others: number): string => (others === 0 ? '' : `${others} more; raise --limit to see them.\n`);

/** @param most only the newest `most` runs are asked how they ended */
async function collect(state: string, isWanted: (run: ListedRun) => boolean, most: number): Promise<{ runs: ShownRun[]; count: number; wanted: number }> {
  const session = await openSession(state);
  try {
    const all = await listRuns(session.client);
    const wanted = all.filter(isWanted);
    const shown = wanted.slice(0, most);
    const ends = await new RunEnds(session.client).of(shown);
    const runs = shown.map((run): ShownRun => {
      const end = ends.get(run.runId);
      return {
        ...run,
        ...(end?.status === 'completed' && { figures: runFigures(end.result), perplexity: end.result.perplexity }),
        ...(end?.status === 'failed' && { reason: `${end.error.type}: ${end.error.message}` }),
      };
    });
    return { runs, count: all.length, wanted: wanted.length };
  } finally {
    await session.close();
  }
}

function jsonOf({ figures, ...run }: ShownRun): object {
  return { ...run, ...(figures && { actualSparsity: figures.sparsity, seconds: figures.seconds, ...(figures.gap !== undefined && { gapClosed: figures.gap }) }) };
}
