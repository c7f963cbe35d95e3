import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { incidentSignal } from '../../../workflows/protocol.js';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

/** Returns the SHA-256 of every file of a run's checkpoint, and of its mask. */
export function digestsOf({ checkpoint, mask }: { checkpoint: string; mask: string }): Record<string, string> {
  const names = readdirSync(checkpoint, { recursive: true, encoding: 'utf8' }).map((name) => join(checkpoint, name));
  const files = [...names.filter((file) => statSync(file).isFile()), mask];
  return Object.fromEntries(files.map((file) => [relative(join(checkpoint, '..'), file), createHash('sha256').update(readFileSync(file)).digest('hex')]));
}

/** Returns the total size of the files in which two runs differ. */
export function differingBytes(made: { checkpoint: string; mask: string }, expected: Record<string, string>): number {
  const found = digestsOf(made);
  const names = new Set([...Object.keys(found), ...Object.keys(expected)]);
  const size = (name: string): number => {
    const file = join(made.checkpoint, '..', name);
    return existsSync(file) ? statSync(file).size : 1;
  };
  return [...names].filter((name) => found[name] !== expected[name]).reduce((sum, name) => sum + size(name), 0);
}

interface LogLine {
  event: string;
  kind: string;
  key: string;
  summary: unknown;
}

/** Forwards through layers that were repeated because their hidden states were lost. */
export interface Repeated {
  layers: number;
  /** Seconds of each layer, in order. The first layer is the first work of its process. */
  seconds: number[];
}

/** Reads the store's log so far. */
export function storeLog(store: string): LogLine[] {
  const file = join(store, 'log.jsonl');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as LogLine];
    } catch {
      return [];
    }
  });
}

/** Returns artifacts that were made more than once, with the number of repetitions. Hidden states do not count: they are dropped after use. */
export function madeAgain(lines: readonly LogLine[]): Map<string, number> {
  const again = new Map<string, number>();
  for (const { event, kind, key } of lines) {
    if (event === 'made' && kind !== 'hidden') again.set(`${kind}/${key}`, (again.get(`${kind}/${key}`) ?? -1) + 1);
  }
  return new Map([...again].filter(([, times]) => times > 0));
}

/** Returns the repeated forwards of each loss. */
export function repeatedForwards(lines: readonly LogLine[]): Repeated[] {
  return lines.filter(({ event }) => event === 'repeated').map(({ summary }) => {
    const { from, to, seconds } = summary as { from: number; to: number; seconds: number[] };
    return { layers: to - from, seconds };
  });
}

/** An event in a run's history that shows that something went wrong. */
export interface Evidence {
  /** Milliseconds since the epoch. */
  at: number;
  what: string;
}

const time = (seconds: unknown, nanos: unknown): number => Number(seconds ?? 0) * 1000 + Number(nanos ?? 0) / 1e6;

/** Finds failed and timed-out activities and workflow tasks, failed attempts before one that succeeded, and incidents reported by workers. */
export function evidenceIn(history: History): Evidence[] {
  return (history.events ?? []).flatMap((event) => {
    const { eventTime, activityTaskFailedEventAttributes: failed, activityTaskTimedOutEventAttributes: timedOut, activityTaskStartedEventAttributes: started } = event;
    const at = time(eventTime?.seconds, eventTime?.nanos);
    const say = (what: string | null | undefined): Evidence[] => [{ at, what: what ?? '' }];
    if (failed) return say(failed.failure?.message);
    if (timedOut) return say(timedOut.failure?.cause?.message ?? timedOut.failure?.message);
    if (event.workflowExecutionSignaledEventAttributes?.signalName === incidentSignal) return say('incident');
    if (event.workflowTaskTimedOutEventAttributes) return say('workflow task timed out');
    if (event.workflowTaskFailedEventAttributes) return say(event.workflowTaskFailedEventAttributes.failure?.message);
    return started?.lastFailure ? say(started.lastFailure.message) : [];
  });
}
