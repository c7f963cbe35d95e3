/** Collects everything that the page of a sweep or a search shows. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { WorkflowFailedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { runGroupFolder } from '../../activities/write-sweep.js';
import type { SearchResult } from '../../workflows/search-protocol.js';
import type { SweepTable } from '../../workflows/sweep-protocol.js';
import { isServed } from '../cli/local/pollers.js';
import { describeFailure } from '../cli/outcome.js';
import { queryProgress } from '../cli/progress/follow.js';
import { families, type RunGroupNames } from '../cli/sweep/run-group.js';
import { queryTable } from '../cli/sweep/find.js';
import { familyStatus } from '../cli/sweep/list.js';
import { searchTable } from '../report/search-table.js';
import type { RunGroupTable } from '../report/sweep-table.js';
import { progressView, stagesShare, type ProgressView } from '../report/view/progress-view.js';

export interface RunGroupFacts {
  workflowId: string;
  runId: string;
  noun: RunGroupNames['noun'];
  taskQueue: string;
  /** `running`, `completed`, `failed`, `cancelled`, ... */
  status: string;
  started: Date;
  ended?: Date;
  /** Members with their states and results so far; undefined until a worker has answered. */
  table?: RunGroupTable;
  /** Progress of the running members, by workflow id. */
  running: Record<string, ProgressView>;
  served: boolean;
  /** Why it failed. */
  reason?: string;
  /** Files of its report on this machine. */
  files: string[];
}

const queryTimeoutMs = 5_000;
/** Maximum number of members whose progress is asked for. */
const maxAsked = 8;

/** Collects the facts of one sweep or search repeatedly. An ended one is asked only once. */
export class RunGroupFactsCollector {
  private last: RunGroupFacts | undefined;

  constructor(
    private readonly client: Client,
    private readonly state: string,
    private readonly workflowId: string,
  ) {}

  /** @throws WorkflowNotFoundError, and what the client throws without a server */
  async collect(): Promise<RunGroupFacts> {
    const { client, workflowId, state } = this;
    const description = await client.connection.withDeadline(Date.now() + queryTimeoutMs, () => client.workflow.getHandle(workflowId).describe());
    const { runId, taskQueue, startTime, closeTime, type } = description;
    const noun = families.find(({ workflow }) => workflow === type)?.noun;
    if (noun === undefined) throw new WorkflowNotFoundError('it is neither a sweep nor a search', workflowId, runId);
    const before = this.last;
    const status = familyStatus(description.status.name);
    if (status !== 'running' && before?.runId === runId && before.status === status && before.table !== undefined) return before;
    const served = status === 'running' && (await isServed(client, state, taskQueue));
    const { table, reason } = status === 'running' ? { table: served ? await this.ask() : undefined } : await this.end(noun, runId);
    const shown = table ?? before?.table;
    this.last = {
      workflowId, runId, noun, taskQueue, status, served, started: startTime,
      ...(closeTime && { ended: closeTime }),
      ...(shown && { table: shown }),
      ...(reason !== undefined && { reason }),
      running: served && shown ? await this.progressOf(shown) : {},
      files: status === 'running' ? [] : ['report.html', 'report.md', 'table.csv', 'table.json'].filter((name) => existsSync(path.join(runGroupFolder(state, noun, workflowId), name))),
    };
    return this.last;
  }

  private ask(): Promise<SweepTable | undefined> {
    return queryTable(this.client, this.workflowId, queryTimeoutMs).catch(() => undefined);
  }

  /** Returns the result. If it failed, returns what its worker knows, or its report. */
  private async end(noun: RunGroupFacts['noun'], runId: string): Promise<{ table?: RunGroupTable; reason?: string }> {
    const { client, workflowId } = this;
    try {
      const handle = client.workflow.getHandle(workflowId, runId, { followRuns: false });
      const result = await client.connection.withDeadline(Date.now() + queryTimeoutMs, () => handle.result()) as SweepTable | SearchResult;
      if (noun === 'sweep') return { table: result as SweepTable };
      // Only the report knows the price of an hour.
      return { table: (await this.reported(noun)) ?? searchTable(result as SearchResult) };
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      const failure = describeFailure(error);
      const table = (await this.ask()) ?? (await this.reported(noun));
      return { ...(table && { table }), ...(failure.status === 'failed' && { reason: failure.error.message }) };
    }
  }

  private async reported(noun: RunGroupFacts['noun']): Promise<RunGroupTable | undefined> {
    try {
      return JSON.parse(await readFile(path.join(runGroupFolder(this.state, noun, this.workflowId), 'table.json'), 'utf8')) as RunGroupTable;
    } catch {
      return undefined;
    }
  }

  private async progressOf({ rows }: RunGroupTable): Promise<Record<string, ProgressView>> {
    const running = rows.filter(({ status }) => status === 'running').slice(0, maxAsked);
    const asked = await Promise.all(running.map(async ({ workflowId }) => [workflowId, await queryProgress(this.client, { workflowId }).then((progress) => ({ share: stagesShare(progress), ...progressView(progress) }), () => undefined)] as const));
    return Object.fromEntries(asked.flatMap(([id, progress]) => (progress === undefined ? [] : [[id, progress]])));
  }
}
