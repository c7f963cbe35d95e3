/** The work of each worker over time, for the timeline of a run's page. Pure. */
import type { CostedStage } from '../../../activities/result.js';
import type { Incident, Timeline, TimelineUnit } from '../../../workflows/protocol.js';

/** The kind of a span in a lane: work of a stage, other work, time until a worker took the work, or lost work. */
export type SpanKind = CostedStage | 'other' | 'waiting' | 'lost';

export interface Span {
  kind: SpanKind;
  /** Seconds since the start of the run. */
  from: number;
  to: number;
  what: string;
}

export interface Lane {
  worker: string;
  /** In order of time, without overlaps. */
  spans: Span[];
  /** Number of finished pieces of work. */
  units: number;
  /** Seconds that the worker worked, that the run waited for it, and that were lost with it. */
  worked: number;
  waited: number;
  lost: number;
}

export interface TimelineView {
  /** ISO 8601: when the run started. */
  from: string;
  /** Seconds until the end of the last piece of work. */
  seconds: number;
  lanes: Lane[];
  incidents: { at: number; what: string }[];
  /** Seconds in which no worker had work of the run, not counting short moments: the run was paused, or no worker could take it. */
  idle: number;
  /** Pieces of work that are merged into earlier ones here. For a long run, only the first ones are kept apart. */
  joined: number;
  /** Work that was repeated. */
  repeated: { what: string; worker: string; why: string }[];
}

/** Shorter waits are part of every activity. */
export const minWait = 0.5;
/** Between two pieces of work, the run takes a moment to decide what is next. Longer gaps have another reason. */
const minIdle = 2;
/** Above this number of workers, those of one machine share a lane. */
const maxLanes = 16;

/** @returns undefined if nothing was recorded */
export function timelineView(timeline: Timeline | undefined, incidents: readonly Incident[]): TimelineView | undefined {
  if (timeline === undefined || timeline.units.length === 0) return undefined;
  const { from, units, workers } = timeline;
  const seconds = units.reduce((most, { ended }) => Math.max(most, ended), 0);
  const nameOf = laneNames(workers);
  const byLane = new Map<string, TimelineUnit[]>();
  for (const unit of units) byLane.set(nameOf(unit.worker), [...(byLane.get(nameOf(unit.worker)) ?? []), unit]);
  return {
    from, seconds,
    lanes: [...byLane].map(([worker, own]) => laneOf(worker, own)),
    incidents: incidents.map(({ at, what }) => ({ at: Math.min(seconds, Math.max(0, (Date.parse(at) - Date.parse(from)) / 1000)), what })).filter(({ at }) => Number.isFinite(at)),
    idle: idleOf(units),
    joined: timeline.joined ?? 0,
    repeated: units.flatMap(({ what, worker, attempts, lost }) => (attempts === undefined && lost === undefined ? [] : [{
      what, worker: nameOf(worker), why: lost ? 'it failed, or its worker was lost' : `${(attempts ?? 1) - 1} failed ${attempts === 2 ? 'attempt' : 'attempts'} before`,
    }])),
  };
}

const shortName = (worker: string | undefined): string => worker?.split(' ')[0] ?? '';

/** Process and machine of each worker, in the shortest form that is unique. */
export function workerNames(workers: readonly string[]): string[] {
  const short = workers.map(shortName);
  return short.map((name, index) => (short.indexOf(name) === index ? name : `${name} (${short.slice(0, index).filter((other) => other === name).length + 1})`));
}

function laneNames(workers: readonly string[]): (worker: number) => string {
  const names = workerNames(workers);
  const isCrowded = workers.length > maxLanes;
  return (worker) => (isCrowded ? shortName(workers[worker]).replace(/^\d+@/, 'all of ') : (names[worker] ?? ''));
}

function laneOf(worker: string, units: readonly TimelineUnit[]): Lane {
  const sorted = [...units].sort((a, b) => a.begun - b.begun);
  const spans: Span[] = [];
  let end = 0;
  const add = (span: Span): void => {
    const from = Math.max(end, span.from);
    const to = Math.max(from, span.to);
    end = to;
    if (to > from) spans.push({ ...span, from, to });
  };
  const sums = { worked: 0, waited: 0, lost: 0 };
  for (const { what, stage, asked, begun, ended, attempts, lost } of sorted) {
    const wait = begun - asked;
    // Before a second attempt is the attempt that failed.
    if (attempts !== undefined) add({ kind: 'lost', from: asked, to: begun, what: `${what}: failed, and tried again` });
    else if (wait >= minWait) add({ kind: 'waiting', from: asked, to: begun, what: `waiting: ${what}` });
    add({ kind: lost ? 'lost' : (stage ?? 'other'), from: begun, to: ended, what: lost ? `${what}: failed, or lost with its worker` : what });
    sums[attempts === undefined ? 'waited' : 'lost'] += wait;
    sums[lost ? 'lost' : 'worked'] += ended - begun;
  }
  return { worker, spans, units: units.filter(({ lost }) => lost === undefined).length, ...sums };
}

/** Sums up the gaps between start and end in which no piece of work existed. */
function idleOf(units: readonly TimelineUnit[]): number {
  let [end, idle] = [0, 0];
  for (const { asked, ended } of [...units].sort((a, b) => a.asked - b.asked)) {
    if (asked - end >= minIdle) idle += asked - end;
    end = Math.max(end, ended);
  }
  return idle;
}
