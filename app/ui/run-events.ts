/** Describes what happened to a run, from the newest events of its history. */
import type { Client } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { decodeArrayFromPayloads, decodeOptionalSinglePayload } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { formatChange, formatDuration, mergeExperts } from '../report/index.js';
import { incidentSignal, pauseSignal, resumeSignal, type Incident, type RebuildEntry } from '../../workflows/protocol.js';
import type { Run } from '../cli/start-pipeline.js';

type Event = temporal.api.history.v1.IHistoryEvent;
type Converter = Client['options']['loadedDataConverter'];

export interface RunEvent {
  /** ISO 8601. */
  at: string;
  what: string;
  /** `bad`: something went wrong, which the run survived or which ended it. */
  kind: 'plain' | 'good' | 'bad';
}

/** Number of events that are read. A unit of work has three, with some workflow tasks in between. */
const newestEvents = 200;
/** Maximum number of events that are shown. */
const maxEvents = 40;

/** Returns the newest events of an execution, newest first. */
export async function recentEvents(client: Client, { workflowId, runId }: Run): Promise<RunEvent[]> {
  const { namespace, loadedDataConverter } = client.options;
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({ namespace, execution: { workflowId, runId }, maximumPageSize: newestEvents });
  return await describeEvents(history?.events ?? [], loadedDataConverter);
}

/** @param events newest first; earlier ones may be missing */
export async function describeEvents(events: readonly Event[], converter: Converter): Promise<RunEvent[]> {
  const scheduled = new Map<string, Event>();
  for (const event of events) if (event.activityTaskScheduledEventAttributes) scheduled.set(String(event.eventId), event);
  const told: RunEvent[] = [];
  for (const event of events) {
    if (told.length === maxEvents) break;
    const described = await describeEvent(event, scheduled, converter);
    if (described !== undefined) told.push({ at: timeOf(event), ...described });
  }
  return told;
}

type UntimedEvent = Omit<RunEvent, 'at'>;
const plain = (what: string): UntimedEvent => ({ what, kind: 'plain' });
const good = (what: string): UntimedEvent => ({ what, kind: 'good' });
const bad = (what: string): UntimedEvent => ({ what, kind: 'bad' });

async function describeEvent(event: Event, scheduled: ReadonlyMap<string, Event>, converter: Converter): Promise<UntimedEvent | undefined> {
  const activityOf = (attributes: { scheduledEventId?: unknown }): Promise<string> => nameOf(scheduled.get(String(attributes.scheduledEventId)), converter);
  if (event.workflowExecutionStartedEventAttributes) return plain(event.workflowExecutionStartedEventAttributes.continuedExecutionRunId ? 'continued with an empty history' : 'started');
  if (event.activityTaskCompletedEventAttributes) {
    const { scheduledEventId, result } = event.activityTaskCompletedEventAttributes;
    const type = scheduled.get(String(scheduledEventId))?.activityTaskScheduledEventAttributes?.activityType?.name;
    return describeUnit(type ?? '', await activityOf({ scheduledEventId }), await decoded(converter, result?.payloads));
  }
  if (event.activityTaskStartedEventAttributes) {
    const { attempt, lastFailure, ...attributes } = event.activityTaskStartedEventAttributes;
    return (attempt ?? 1) > 1 ? bad(`${await activityOf(attributes)}: attempt ${attempt}, after ${lastFailure?.message || 'a failure'}`) : undefined;
  }
  if (event.activityTaskFailedEventAttributes) {
    const { failure, ...attributes } = event.activityTaskFailedEventAttributes;
    return bad(`${await activityOf(attributes)} failed: ${failure?.message ?? ''}`);
  }
  if (event.activityTaskTimedOutEventAttributes) return bad(`${await activityOf(event.activityTaskTimedOutEventAttributes)}: its worker is gone`);
  if (event.workflowExecutionSignaledEventAttributes) return await describeSignal(event.workflowExecutionSignaledEventAttributes, converter);
  if (event.workflowExecutionCancelRequestedEventAttributes) return plain('asked to cancel');
  if (event.workflowExecutionContinuedAsNewEventAttributes) return plain('continues with an empty history');
  if (event.workflowExecutionCanceledEventAttributes || event.workflowExecutionTerminatedEventAttributes) return plain('cancelled');
  if (event.workflowExecutionCompletedEventAttributes) return good('done');
  if (event.workflowExecutionFailedEventAttributes) return bad(`failed: ${reasonOf(event.workflowExecutionFailedEventAttributes.failure)}`);
  return undefined;
}

/** Failures are nested, and the innermost message gives the reason. */
function reasonOf(failure: temporal.api.failure.v1.IFailure | null | undefined): string {
  let last = failure;
  while (last?.cause) last = last.cause;
  return last?.message ?? '';
}

/** The activity's summary, or its type for runs of earlier versions. */
async function nameOf(event: Event | undefined, converter: Converter): Promise<string> {
  if (event === undefined) return 'a unit of work';
  const summary = await decodeOptionalSinglePayload<string>(converter, event.userMetadata?.summary).catch(() => undefined);
  return summary || (event.activityTaskScheduledEventAttributes?.activityType?.name ?? 'a unit of work');
}

/** Activities that are not shown: lookups, which belong to the next step. */
const silent = new Set(['findScores', 'findPerplexity', 'findLikelihoods']);

function describeUnit(type: string, name: string, result: unknown): UntimedEvent | undefined {
  if (silent.has(type)) return undefined;
  if (type === 'takeSeat') return plain('a worker took the run');
  const { entries, seconds, reused } = (result ?? {}) as { entries?: unknown; seconds?: unknown; reused?: unknown };
  const how = reused === true ? ', found in the store' : typeof seconds === 'number' ? ` in ${formatDuration(seconds)}` : '';
  if (type === 'rebuildLayer' && Array.isArray(entries)) {
    const changes = mergeExperts(entries as RebuildEntry[]).map(({ block, errorBefore, errorAfter }) => `${block} ${formatChange(errorBefore, errorAfter)}`);
    return plain(`layer ${(entries as RebuildEntry[])[0]?.layer ?? ''} rebuilt${how}: ${changes.join(', ')}`);
  }
  if (type === 'proveMasks' || type === 'proveOutputs') return good(`${name}: proved${how}`);
  return plain(`${name}: done${how}`);
}

async function describeSignal({ signalName, input }: temporal.api.history.v1.IWorkflowExecutionSignaledEventAttributes, converter: Converter): Promise<UntimedEvent | undefined> {
  if (signalName === pauseSignal) return plain('asked to pause');
  if (signalName === resumeSignal) return plain('asked to continue');
  if (signalName !== incidentSignal) return undefined;
  const { what } = ((await decoded(converter, input?.payloads)) ?? {}) as Partial<Incident>;
  return bad(typeof what === 'string' ? what : 'something that cannot be read');
}

/** With another payload key, the content is unreadable, but not the fact that it happened. */
async function decoded(converter: Converter, payloads: temporal.api.common.v1.IPayload[] | null | undefined): Promise<unknown> {
  const [value] = await decodeArrayFromPayloads(converter, payloads).catch(() => []);
  return value;
}

function timeOf({ eventTime }: Event): string {
  return new Date(Number(eventTime?.seconds ?? 0) * 1000 + Math.floor(Number(eventTime?.nanos ?? 0) / 1e6)).toISOString();
}
