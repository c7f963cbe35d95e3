import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { SharedActivities } from '../activities/types.js';
import { sweepQueue } from './sweep-protocol.js';

/**
 * The activities of sweeps and searches. They have a task queue of their own: workers serve the shared one only while their seat is vacant, so
 * the end of a sweep would wait for all runs that are queued there. A worker that is stopping may receive an activity in its last moment and
 * lose it. The missing heartbeats show that long before the time is up.
 * @param summary shown on Temporal's page
 */
export const shared = (summary: string) =>
  proxyActivities<SharedActivities>({
    taskQueue: sweepQueue(workflowInfo().taskQueue), summary,
    startToCloseTimeout: '10 minutes', heartbeatTimeout: '30 seconds', retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
  });
