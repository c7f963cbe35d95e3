import { WorkflowFailedError, type Client } from '@temporalio/client';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { describeFailure, type Outcome } from '../outcome.js';
import type { ListedRun } from './list-runs.js';

/** So many runs are asked at a time. */
const together = 16;

/** How runs ended. What has ended does not change, so each is asked once. */
export class RunEnds {
  private readonly known = new Map<string, Outcome>();

  constructor(private readonly client: Client) {}

  /** By run id, of those that have ended. A run whose end cannot be read is left out. */
  async of(runs: readonly Pick<ListedRun, 'workflowId' | 'runId' | 'ended'>[]): Promise<ReadonlyMap<string, Outcome>> {
    const asked = runs.filter(({ runId, ended }) => ended !== undefined && !this.known.has(runId));
    for (let from = 0; from < asked.length; from += together) {
      await Promise.all(asked.slice(from, from + together).map(async ({ workflowId, runId }) => {
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
      // Another payload key, a history that is gone, or a server that is away: the list is worth more than one row.
      return error instanceof WorkflowFailedError ? describeFailure(error) : undefined;
    }
  }
}
