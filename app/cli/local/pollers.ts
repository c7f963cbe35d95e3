import type { Client } from '@temporalio/client';
import { statePaths } from '../state.js';
import { thisMachine } from '../../../files/artifacts/index.js';
import { liveProcesses } from './process-records.js';
import type { WorkerNote } from './worker-process.js';

/** A poll lasts at most a minute, so a worker that has not polled for longer is gone. */
const pollMs = 75_000;

/** Workers always poll for workflow tasks, but for activities only while no run has their seat. */
const taskQueueTypes = { workflow: 1 } as const;

/** The identity that a worker of this process reports to the server. */
export const workerIdentity = (): string => `${process.pid}@${thisMachine()}`;

/** Whether a poller's identity names a process of this machine that has ended. */
function hasEnded(identity: string): boolean {
  const [, pid, machine] = /^(\d+)@(.+)$/.exec(identity) ?? [];
  if (pid === undefined || machine !== thisMachine()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/**
 * Whether a worker serves the task queue: one of this state (even if it is still starting), or any that polls it. The server remembers
 * pollers for minutes, so those known to have died are not counted.
 */
export async function isServed(client: Client, state: string, taskQueue: string): Promise<boolean> {
  const ours = await liveProcesses<WorkerNote>(statePaths.workers(state));
  if (ours.some((worker) => worker.taskQueue === taskQueue)) return true;
  const { namespace } = client.options;
  const answer = await client.connection.withDeadline(Date.now() + 5_000, () =>
    client.workflowService.describeTaskQueue({ namespace, taskQueue: { name: taskQueue }, taskQueueType: taskQueueTypes.workflow }),
  );
  return (answer.pollers ?? []).some((poller) => {
    const lastSeen = Number(poller.lastAccessTime?.seconds ?? 0) * 1000;
    return Date.now() - lastSeen < pollMs && !hasEnded(poller.identity ?? '');
  });
}
