/** Collects everything that the page of a run shows, from the server, the worker and the state folder. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { Pipeline } from '../config/pipeline.js';
import { runFolder } from '../../activities/write-outputs.js';
import { progressQuery, soFarQuery, type PipelineProgress, type PartialResults } from '../../workflows/protocol.js';
import { requestOf } from '../cli/control/request-of.js';
import { isServed } from '../cli/local/pollers.js';
import type { Outcome } from '../cli/outcome.js';
import { withDetail, readHeartbeatDetails } from '../cli/progress/follow.js';
import { RunEnds } from '../cli/runs/run-ends.js';
import { runStatus } from '../cli/runs/list-runs.js';
import { runStart } from '../cli/run-start.js';
import { recentEvents, type RunEvent } from './run-events.js';

export interface RunFacts {
  workflowId: string;
  runId: string;
  taskQueue: string;
  /** As in lists: `running`, `paused`, `completed`, ... */
  status: string;
  started: Date;
  ended?: Date;
  /** Undefined if the request cannot be read, for example without its payload key. */
  pipeline?: Pipeline;
  /** The last known progress; undefined until a worker has answered. */
  progress?: PipelineProgress;
  partialResults?: PartialResults;
  /** Whether a worker serves its task queue. */
  served: boolean;
  events: RunEvent[];
  /** How it ended. */
  outcome?: Outcome;
  /** Path of its report, if it is on this machine. */
  page?: string;
}

const queryTimeoutMs = 5_000;
/** How often to check whether there is a worker. */
const servedMs = 3_000;

/** Collects the facts of one run repeatedly, and asks only for those that may have changed. */
export class RunFactsCollector {
  private last: RunFacts | undefined;
  private history = { runId: '', length: 0 };
  private servedAsked = 0;

  constructor(
    private readonly client: Client,
    private readonly state: string,
    private readonly ends: RunEnds,
    private readonly workflowId: string,
  ) {}

  /** Returns the facts of the newest execution. @throws WorkflowNotFoundError, and what the client throws without a server */
  async collect(): Promise<RunFacts> {
    const { client, workflowId } = this;
    const description = await client.connection.withDeadline(Date.now() + queryTimeoutMs, () => client.workflow.getHandle(workflowId).describe());
    const { runId, taskQueue, closeTime } = description;
    const before = this.last?.runId === runId ? this.last : undefined;
    const isOpen = description.status.name === 'RUNNING';
    const served = isOpen ? await this.isServed(taskQueue, before?.served) : false;
    const outcome = isOpen ? undefined : (await this.ends.of([{ workflowId, runId, ended: closeTime?.toISOString() ?? '' }])).get(runId);
    const page = pageOf(this.state, workflowId);
    // The answer for an ended run does not change.
    const asked = isOpen ? (served ? await this.ask(description, before) : undefined) : before?.progress === undefined ? await this.askEnded(taskQueue, runId) : undefined;
    this.last = {
      workflowId, runId, taskQueue, status: runStatus(description), started: runStart(description), served, events: await this.events(description, before?.events),
      ...(closeTime && { ended: closeTime }),
      ...pipelineOf(before?.pipeline ?? (await requestOf(client, { workflowId, runId }).then(({ pipeline }) => pipeline, () => undefined))),
      ...((asked ?? before)?.progress && { progress: (asked ?? before)?.progress }),
      ...((asked ?? before)?.partialResults && { partialResults: (asked ?? before)?.partialResults }),
      ...(outcome && { outcome }),
      // Until a retry has its own report, the folder has that of the run before.
      ...(outcome?.status === 'completed' && page !== undefined && { page }),
    };
    return this.last;
  }

  private async isServed(taskQueue: string, before: boolean | undefined): Promise<boolean> {
    if (before !== undefined && Date.now() - this.servedAsked < servedMs) return before;
    this.servedAsked = Date.now();
    return await isServed(this.client, this.state, taskQueue);
  }

  /** Asks the workflow. What it has found out changes once per layer, so it is asked for only then. */
  private async ask(description: WorkflowExecutionDescription, before: RunFacts | undefined): Promise<Pick<RunFacts, 'progress' | 'partialResults'> | undefined> {
    try {
      const progress = withDetail(await this.query<PipelineProgress>(progressQuery), await readHeartbeatDetails(this.client, description));
      const isSame = before?.partialResults !== undefined && unitsOf(before.progress) === unitsOf(progress);
      // A worker of an earlier version does not know this query.
      const partialResults = isSame ? before.partialResults : await this.query<PartialResults>(soFarQuery).catch(() => undefined);
      return { progress, ...(partialResults && { partialResults }) };
    } catch {
      return undefined;
    }
  }

  /** Asks only once, because a worker must replay the run to answer. */
  private async askEnded(taskQueue: string, runId: string): Promise<Pick<RunFacts, 'progress' | 'partialResults'> | undefined> {
    if (this.last?.runId === runId || !(await isServed(this.client, this.state, taskQueue).catch(() => false))) return undefined;
    try {
      return { progress: await this.query<PipelineProgress>(progressQuery), partialResults: await this.query<PartialResults>(soFarQuery) };
    } catch {
      return undefined;
    }
  }

  private query<T>(name: string): Promise<T> {
    const handle = this.client.workflow.getHandle(this.workflowId);
    return this.client.connection.withDeadline(Date.now() + queryTimeoutMs, () => handle.query<T>(name));
  }

  private async events({ runId, historyLength }: WorkflowExecutionDescription, before: RunEvent[] | undefined): Promise<RunEvent[]> {
    if (before !== undefined && this.history.runId === runId && this.history.length === historyLength) return before;
    const events = await recentEvents(this.client, { workflowId: this.workflowId, runId });
    this.history = { runId, length: historyLength };
    return events;
  }
}

const pipelineOf = (pipeline: Pipeline | undefined): { pipeline?: Pipeline } => (pipeline === undefined ? {} : { pipeline });

const unitsOf = (progress: PipelineProgress | undefined): string => JSON.stringify(progress?.stages.map(({ state, done }) => [state, done]));

/** Undefined if the run has no report here: it ran on another machine, or its id is not a valid folder name. */
function pageOf(state: string, workflowId: string): string | undefined {
  try {
    const page = path.join(runFolder(state, workflowId), 'report.html');
    return existsSync(page) ? page : undefined;
  } catch {
    return undefined;
  }
}
