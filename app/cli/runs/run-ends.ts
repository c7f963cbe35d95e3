import { WorkflowFailedError, type Client } from '@temporalio/client';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { describeFailure, type Outcome } from '../outcome.js';
import type { ListedRun } from './list-runs.js';

/** Number of runs that are asked at a time. */
const batchSize = 16;

/** How runs ended. The outcome of an ended run does not change, so each run is asked once. */
export class RunEnds {
  private readonly known = new Map<string, Outcome>();

  constructor(private readonly client: Client) {}

  /** Outcomes by run id, for runs that have ended. Leaves out a run whose end cannot be read. */
  async of(runs: readonly Pick<ListedRun, 'workflowId' | 'runId' | 'ended'>[]): Promise<ReadonlyMap<string, Outcome>> {
    const asked = runs.filter(({ runId, ended }) => ended !== undefined && !this.known.has(runId));
    for (let from = 0; from < asked.length; from += batchSize) {
      await Promise.all(asked.slice(from, from + batchSize).map(async ({ workflowId, runId }) => {
        const outcome = await this.ask(workflowId, runId);
        if (outcome !== undefined) this.known.set(runId, outcome);
      }));
    }
    return this.known;
  }

  private async ask(workflowId: string, runId: string): Promise<Outcome | undefined> {
    try {
      const handle = this.client.workflow.getHandle<() => Promise<PipelineResult>>(workflowId, runId, { followRuns: false });
      return { status: 'completed', result: await handle.result() };
    } catch (error) {
      // Another payload key, a deleted history, or a server that is away: the list matters more than one row.
      return error instanceof WorkflowFailedError ? describeFailure(error) : undefined;
    }
  }
}
