import { ScheduleNotFoundError, type Client, type ScheduleDescription, type ScheduleHandle } from '@temporalio/client';
import { pipelineWorkflow } from '../../../workflows/protocol.js';
import { UnknownScheduleError } from '../errors.js';
import { hasServer, openSession } from '../session.js';

/** The memo of our schedules. */
export interface ScheduleNote {
  pipeline: string;
  configDigest: string;
  /** The pipeline file that it was created from, on the machine where it was created. */
  file: string;
  /** In words. */
  times: string;
}

export interface FoundSchedule {
  client: Client;
  handle: ScheduleHandle;
  description: ScheduleDescription;
}

/**
 * Calls `act` with a schedule of pipelines.
 * @throws UnknownScheduleError, and what `openSession` and `act` throw
 */
export async function withSchedule<T>(id: string, state: string, act: (found: FoundSchedule) => Promise<T>): Promise<T> {
  if (!hasServer(state)) throw unknown(id);
  const session = await openSession(state);
  try {
    const { client } = session;
    const handle = client.schedule.getHandle(id);
    const description = await handle.describe();
    // Other programs may have schedules on the same server.
    if (description.action.workflowType !== pipelineWorkflow) throw unknown(id);
    return await act({ client, handle, description });
  } catch (error) {
    throw error instanceof ScheduleNotFoundError ? unknown(id) : error;
  } finally {
    await session.close();
  }
}

function unknown(id: string): UnknownScheduleError {
  return new UnknownScheduleError({ what: `no schedule ${id} of pipelines is known to the server`, remedy: 'See `npx temporal-pipeline schedule list`' });
}

/** Returns the note of a schedule. Its fields are empty if another program created the schedule. */
export function noteOf({ memo }: { memo?: Record<string, unknown> }): ScheduleNote {
  return { pipeline: '', configDigest: '', file: '', times: '', ...memo };
}
