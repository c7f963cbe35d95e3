import { proxyActivities } from '@temporalio/workflow';
import type { SharedActivities } from '../activities/types.js';

/**
 * The activities on the shared task queue, for sweeps and searches. A worker that is stopping may receive one in its last moment and lose it.
 * The missing heartbeats show that long before the time is up.
 * @param summary shown on Temporal's page
 */
export const shared = (summary: string) =>
  proxyActivities<SharedActivities>({ startToCloseTimeout: '10 minutes', heartbeatTimeout: '30 seconds', retry: { initialInterval: '1 second', maximumInterval: '30 seconds' }, summary });
