import { ApplicationFailure, defineSignal, setHandler, TimeoutFailure } from '@temporalio/workflow';
import { readable } from './readable.js';
import { incidentSignal, type Incident, type PipelineProgress } from './protocol.js';

/** A run that something happens to every minute for days says so, but not without end. */
const most = 200;
/** Characters of what happened. A run that continues as new hands all of it on, and the server takes 2 MB. */
const longest = 1000;

/**
 * What has happened to a run without ending it: what its workers tell, and what it finds itself. Each that a worker tells is an event of
 * the history; the others follow from events that are there already.
 */
export class Incidents {
  private readonly all: Incident[] = [];

  /** Hears what workers tell from now on, and shows all in `progress`, which may have some already. */
  listen(progress: PipelineProgress): void {
    this.all.push(...(progress.incidents ?? []));
    setHandler(defineSignal<[Incident]>(incidentSignal), (incident) => {
      // Anybody may send a signal. Only text is kept, and not without end.
      const { at, what } = readable(incident);
      if (typeof at === 'string' && typeof what === 'string') this.add({ at: at.slice(0, longest), what });
    });
    progress.incidents = this.all;
  }

  /** Notes that an activity failed and is begun again: on another worker, or with all stages. */
  survived(what: string, cause: unknown): void {
    this.add({ at: new Date().toISOString(), what: `${what}: ${reason(cause)}` });
  }

  /** In the order of time; undefined if nothing happened. */
  sorted(): Incident[] | undefined {
    return this.all.length === 0 ? undefined : this.all.toSorted((a, b) => (a.at < b.at ? -1 : 1));
  }

  private add(incident: Incident): void {
    if (this.all.length < most) this.all.push({ ...incident, what: incident.what.slice(0, longest) });
  }
}

function reason(cause: unknown): string {
  if (cause instanceof TimeoutFailure) return cause.timeoutType === 'HEARTBEAT' ? 'its worker fell silent' : 'its worker is gone';
  return cause instanceof ApplicationFailure || cause instanceof Error ? cause.message : String(cause);
}
