import { ApplicationFailure, defineSignal, setHandler, TimeoutFailure } from '@temporalio/workflow';
import { asObject } from './as-object.js';
import { incidentSignal, type Incident, type PipelineProgress } from './protocol.js';

/** Limit of the incidents of a run, in case something happens every minute for days. */
const most = 200;
/** Limit of an incident's text in characters. A run that continues as new hands on all incidents, and the server takes 2 MB. */
const longest = 1000;

/**
 * What has happened to a run without ending it: reports from its workers, and what the run notices itself. Each report is an event
 * of the history. What the run notices follows from events that the history has anyway.
 */
export class Incidents {
  private readonly all: Incident[] = [];

  /** Starts to collect the reports of workers, and shows all incidents in `progress`, which may contain some already. */
  listen(progress: PipelineProgress): void {
    this.all.push(...(progress.incidents ?? []));
    setHandler(defineSignal<[Incident]>(incidentSignal), (incident) => {
      // Anyone may send a signal. Only text is kept, up to the limit.
      const { at, what } = asObject(incident);
      if (typeof at === 'string' && typeof what === 'string') this.add({ at: at.slice(0, longest), what });
    });
    progress.incidents = this.all;
  }

  /** Records that an activity failed and is repeated: on another worker, or together with all stages. */
  survived(what: string, cause: unknown): void {
    this.add({ at: new Date().toISOString(), what: `${what}: ${reason(cause)}` });
  }

  /** The incidents in order of time; undefined if there are none. */
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
