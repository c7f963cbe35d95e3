import { historyToJSON, type History } from '@temporalio/common/lib/proto-utils.js';

/** Attributes of events that a replay does not look at, and that are large, random, or tell about the machine. */
const dropped = new Set(['identity', 'requestId', 'workerVersion', 'sdkMetadata', 'binaryChecksum', 'retryPolicy', 'header', 'lastHeartbeatDetails', 'stackTrace', 'originalExecutionRunId', 'firstExecutionRunId', 'prevAutoResetPoints']);

interface PlainPayload {
  metadata: Record<string, string>;
  data: string;
}

/**
 * A history as plain JSON, without what a replay does not need.
 * @param folder temporary folder of the recorded run
 * @param shown what stands in its place in the texts
 */
export function smallHistory(history: History, folder: string, shown: string): unknown {
  const small = (value: unknown, inScheduled: boolean): unknown => {
    if (Array.isArray(value)) return value.map((member) => small(member, inScheduled));
    if (typeof value !== 'object' || value === null) return value;
    if (isPayload(value)) return withoutFolder(value, folder, shown);
    const entries = Object.entries(value).filter(([key, member]) => !dropped.has(key) && !(inScheduled && key === 'input') && member !== null);
    return Object.fromEntries(entries.map(([key, member]) => [key, small(member, inScheduled || key === 'activityTaskScheduledEventAttributes')]));
  };
  return small(JSON.parse(historyToJSON(history)), false);
}

function isPayload(value: object): value is PlainPayload {
  return 'metadata' in value && 'data' in value && typeof value.data === 'string';
}

function withoutFolder({ metadata, data }: PlainPayload, folder: string, shown: string): PlainPayload {
  return { metadata, data: Buffer.from(Buffer.from(data, 'base64').toString().replaceAll(folder, shown)).toString('base64') };
}
