/** Collects all runs of the server for the first page. */
import type { Client } from '@temporalio/client';
import { queryProgress } from '../cli/progress/follow.js';
import { families, type RunGroupNames } from '../cli/sweep/run-group.js';
import { listFamilies, type ListedFamily } from '../cli/sweep/list.js';
import { listRuns, type ListedRun } from '../cli/runs/list-runs.js';
import type { RunEnds } from '../cli/runs/run-ends.js';
import { progressView, type ProgressView } from '../report/view/progress-view.js';
import { runFigures, type RunFigures } from '../report/view/run-figures.js';

export interface RunRow extends ListedRun {
  /** Its results. */
  figures?: RunFigures;
  /** Why it failed. */
  reason?: string;
  /** Its progress. */
  progress?: ProgressView;
}

/** The content of the first page. */
export interface ListFacts {
  runs: RunRow[];
  families: FamilyRow[];
}

/** A sweep or a search. */
export interface FamilyRow extends ListedFamily {
  noun: RunGroupNames['noun'];
}

export async function collectList(client: Client, ends: RunEnds): Promise<ListFacts> {
  const [runs, ...listed] = await Promise.all([
    collectRuns(client, ends),
    ...families.map(async (kind) => (await inTime(client, () => listFamilies(client, kind))).map((family): FamilyRow => ({ ...family, noun: kind.noun }))),
  ]);
  return { runs, families: newestOfEach(listed.flat().sort((a, b) => (a.started < b.started ? 1 : -1))) };
}

/** Whether a run has not ended. */
export const isOpen = ({ status }: { status: string }): boolean => status === 'running' || status === 'paused';

/** Maximum number of runs shown. `temporal-pipeline list` shows all. */
export const maxRuns = 500;
/** Maximum number of runs whose progress is asked for. */
const maxAsked = 16;

/** Limits the wait, because the client would try to reach an absent server for minutes. */
const inTime = <Listed>(client: Client, list: () => Promise<Listed>): Promise<Listed> => client.connection.withDeadline(Date.now() + listTimeoutMs, list);
const listTimeoutMs = 15_000;

/** Returns the newest execution of each run, newest first. */
async function collectRuns(client: Client, ends: RunEnds): Promise<RunRow[]> {
  const runs = newestOfEach(await inTime(client, () => listRuns(client))).slice(0, maxRuns);
  const open = runs.filter(isOpen).slice(0, maxAsked);
  const [outcomes, progress] = await Promise.all([
    ends.of(runs),
    Promise.all(open.map(async (run) => [run.runId, await queryProgress(client, run).then(progressView, () => undefined)] as const)).then((entries) => new Map(entries)),
  ]);
  return runs.map((run) => {
    const outcome = outcomes.get(run.runId);
    const far = progress.get(run.runId);
    return {
      ...run,
      ...(outcome?.status === 'completed' && { figures: runFigures(outcome.result) }),
      ...(outcome?.status === 'failed' && { reason: outcome.error.message }),
      ...(far && { progress: far }),
    };
  });
}

/** Lists a restarted run only once. @param listed newest first */
function newestOfEach<Listed extends { workflowId: string }>(listed: readonly Listed[]): Listed[] {
  const seen = new Set<string>();
  return listed.filter(({ workflowId }) => !seen.has(workflowId) && seen.add(workflowId));
}
