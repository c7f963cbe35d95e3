import { ActivityFailure, ApplicationFailure, proxyActivities, TimeoutFailure, type ActivityOptions } from '@temporalio/workflow';
import type { Activities, Place, SharedActivities } from '../activities/types.js';

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

/**
 * The activities of one run, all on one worker as long as that lasts: the shared task queue gives the run a worker, whose own
 * task queue then gets every activity. When the worker is gone, is shutting down, or has turned to another run meanwhile, the
 * activity in flight fails, the shared task queue gives another worker, and the activity begins again there.
 * @param seating where the run sits now; kept up to date
 * @param onMove called with why, each time
 * @param summaryOf what Temporal's page says of an activity that begins now
 */
export function placedActivities(seating: Seating, options: ActivityOptions, onMove: (cause: unknown) => void, summaryOf: (name: keyof Activities) => string): Activities {
  const retry = { ...options.retry, nonRetryableErrorTypes: [...(options.retry?.nonRetryableErrorTypes ?? []), lostSeat, deadWorker] };

  const perform = async (name: keyof Activities, input: never): Promise<unknown> => {
    for (;;) {
      seating.place ??= await takeSeat(seating.store === undefined ? {} : { store: seating.store });
      const { place } = seating;
      seating.store = place.store;
      const there = proxyActivities<Activities>({ ...options, retry, taskQueue: place.taskQueue, scheduleToStartTimeout: missingAfter, summary: summaryOf(name) });
      try {
        return await (there[name] as (input: never) => Promise<unknown>)(input);
      } catch (error) {
        if (!hasLostItsPlace(error)) throw error;
        delete seating.place;
        onMove(error.cause);
      }
    }
  };
  return new Proxy({} as Activities, { get: (_, name: keyof Activities) => (input: never) => perform(name, input) });
}

function hasLostItsPlace(error: unknown): error is ActivityFailure {
  if (!(error instanceof ActivityFailure)) return false;
  const { cause } = error;
  if (cause instanceof TimeoutFailure) return cause.timeoutType === 'SCHEDULE_TO_START' || cause.timeoutType === 'HEARTBEAT';
  return cause instanceof ApplicationFailure && cause.type === lostSeat;
}
