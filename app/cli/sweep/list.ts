import type { Client } from '@temporalio/client';
import type { RunGroup } from './kind.js';

/** A sweep or a search as the server lists it. */
export interface ListedFamily {
  workflowId: string;
  status: string;
  /** ISO 8601. */
  started: string;
  name: string;
  /** Members, or points of the grid. */
  runs: number;
}

/** Returns those that the server knows, newest first. If one continued as new, it has several executions; the newest counts. */
export async function listFamilies(client: Client, { workflow, noun, count }: Pick<RunGroup, 'workflow' | 'noun' | 'count'>): Promise<ListedFamily[]> {
  const found: ListedFamily[] = [];
  for await (const { workflowId, status, startTime, memo } of client.workflow.list({ query: `WorkflowType = '${workflow}' AND ExecutionStatus != 'ContinuedAsNew'` })) {
    const { [noun]: name = workflowId, [count]: runs = 0 } = (memo ?? {}) as Record<string, string | number | undefined>;
    found.push({ workflowId, status: familyStatus(status.name), started: startTime.toISOString(), name: String(name), runs: Number(runs) });
  }
  return found.sort((a, b) => (a.started < b.started ? 1 : -1));
}

/** A word for the server's status. Without a worker, a cancellation is a termination. */
export const familyStatus = (name: string): string => (name === 'TERMINATED' ? 'cancelled' : name.toLowerCase().replaceAll('_', ' '));
