/** Attributes that a replay ignores and that are large, random, or specific to the machine. They are dropped from all events. */
const dropped = new Set([
  'identity', 'requestId', 'workerVersion', 'binaryChecksum', 'retryPolicy', 'header', 'lastHeartbeatDetails', 'stackTrace', 'prevAutoResetPoints', 'taskId', 'meteringMetadata', 'useWorkflowBuildId',
]);
/** Attributes that are dropped only from these events. Of an activity, a replay compares only the name and the id. */
const droppedOf: Record<string, readonly string[]> = {
  activityTaskScheduledEventAttributes: ['input', 'taskQueue', 'scheduleToStartTimeout', 'scheduleToCloseTimeout', 'startToCloseTimeout', 'heartbeatTimeout'],
  workflowTaskScheduledEventAttributes: ['taskQueue', 'startToCloseTimeout'],
};

interface PlainPayload {
  metadata: Record<string, string>;
  data: string;
}

/**
 * Returns a history as plain JSON, without what a replay does not need.
 * @param history the parsed output of `historyToJSON` or `temporal workflow show --output json`
 * @param folder temporary folder of the recorded run
 * @param shown replaces this folder in the texts
 */
export function smallHistory(history: unknown, folder: string, shown: string): unknown {
  const small = (value: unknown, key: string): unknown => {
    if (Array.isArray(value)) return value.map((member) => small(member, ''));
    if (typeof value !== 'object' || value === null) return value;
    if (isPayload(value)) return withoutFolder(value, folder, shown);
    const entries = Object.entries(value).filter(([name, member]) => !dropped.has(name) && droppedOf[key]?.includes(name) !== true && member !== null);
    return Object.fromEntries(entries.map(([name, member]) => [name, small(member, name)]));
  };
  return small(history, '');
}

function isPayload(value: object): value is PlainPayload {
  return 'metadata' in value && 'data' in value && typeof value.data === 'string';
}

function withoutFolder({ metadata, data }: PlainPayload, folder: string, shown: string): PlainPayload {
  return { metadata, data: Buffer.from(Buffer.from(data, 'base64').toString().replaceAll(folder, shown)).toString('base64') };
}
