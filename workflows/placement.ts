import { ActivityFailure, ApplicationFailure, proxyActivities, TimeoutFailure, type ActivityOptions } from '@temporalio/workflow';
import type { Activities, Place, SharedActivities, WorkTimes } from '../activities/types.js';

/** How long an activity may wait for the run's worker, which works for no other run. */
const missingAfter = '10 seconds';

/** Failures after which the run looks for another worker instead of asking the same one again. */
const lostSeat = 'SeatLostError';
const deadWorker = 'TemporalTimeout:Heartbeat';

const { takeSeat } = proxyActivities<SharedActivities>({
  // It waits on the shared task queue until a worker is free, for days if need be; taking the seat is a matter of milliseconds.
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '10 seconds' },
  summary: 'waits for a free worker',
});

/** Where a run sits. It is plain JSON, so that a run that continues as new keeps its seat. */
export interface Seating {
  /** Absent until a worker has answered, and after it was lost. */
  place?: Place;
  /** Identity of the store that the run has begun in. */
  store?: string;
}

/** A piece of work that a worker has done, or was lost with. */
export interface Performed {
  what: string;
  worker: string;
  /** When the run first asked this worker or any for it, in milliseconds since 1970. */
  asked: number;
  /** When the run had a worker for it. */
  seated: number;
  /** Absent where the worker does not say it. */
  times?: WorkTimes;
  /** Its worker was gone before it had ended, or it failed for good. */
  lost?: true;
}

/** Who hears what becomes of activities. */
export interface Watching {
  /** An activity begins. @returns what Temporal's page says of it */
  begins: (name: keyof Activities) => string;
  performed: (work: Performed) => void;
  /** The run has lost its worker. */
  moves: (cause: unknown) => void;
}

/**
 * The activities of one run, all on one worker as long as that lasts: the shared task queue gives the run a worker, whose own
 * task queue then gets every activity. When the worker is gone, is shutting down, or has turned to another run meanwhile, the
 * activity in flight fails, the shared task queue gives another worker, and the activity begins again there.
 * @param seating where the run sits now; kept up to date
 */
export function placedActivities(seating: Seating, options: ActivityOptions, watching: Watching): Activities {
  const retry = { ...options.retry, nonRetryableErrorTypes: [...(options.retry?.nonRetryableErrorTypes ?? []), lostSeat, deadWorker] };

  const perform = async (name: keyof Activities, input: never): Promise<unknown> => {
    for (let asked = Date.now(); ; asked = Date.now()) {
      seating.place ??= await takeSeat(seating.store === undefined ? {} : { store: seating.store });
      const { place } = seating;
      seating.store = place.store;
      const seated = Date.now();
      const summary = watching.begins(name);
      const work = { what: summary, worker: place.worker ?? place.taskQueue, asked, seated };
      const there = proxyActivities<Activities>({ ...options, retry, taskQueue: place.taskQueue, scheduleToStartTimeout: missingAfter, summary });
      try {
        const { result, times } = withoutTimes(await (there[name] as (input: never) => Promise<unknown>)(input));
        watching.performed({ ...work, ...(times && { times }) });
        return result;
      } catch (error) {
        watching.performed({ ...work, lost: true });
        if (!hasLostItsPlace(error)) throw error;
        delete seating.place;
        watching.moves(error.cause);
      }
    }
  };
  return new Proxy({} as Activities, { get: (_, name: keyof Activities) => (input: never) => perform(name, input) });
}

/** The result as the activity has it. Runs of earlier versions have no times. */
function withoutTimes(answer: unknown): { result: unknown; times?: WorkTimes } {
  if (typeof answer !== 'object' || answer === null || !('times' in answer)) return { result: answer };
  const { times, ...result } = answer as { times: WorkTimes };
  return { result, times };
}

function hasLostItsPlace(error: unknown): error is ActivityFailure {
  if (!(error instanceof ActivityFailure)) return false;
  const { cause } = error;
  if (cause instanceof TimeoutFailure) return cause.timeoutType === 'SCHEDULE_TO_START' || cause.timeoutType === 'HEARTBEAT';
  return cause instanceof ApplicationFailure && cause.type === lostSeat;
}
