import { ActivityCancellationType, ActivityFailure, ApplicationFailure, isCancellation, proxyActivities, TimeoutFailure, type ActivityOptions } from '@temporalio/workflow';
import type { Activities, Place, SharedActivities, WorkTimes } from '../activities/types.js';
import { assignShards } from './shard-places.js';

/** How long an activity may wait for the run's worker. That worker serves no other run, so a longer wait means it is gone. */
const missingAfter = '10 seconds';

/** Failures after which the run looks for another worker instead of asking the same one again. */
const lostSeat = 'SeatLostError';
const deadWorker = 'TemporalTimeout:Heartbeat';

/** Failures of a worker that cannot do the run's work: another engine, too little memory, or no access to the model. Another worker may. */
const unfitness = new Set([
  'EngineChangedError', 'EngineMemoryError', 'PathNotAllowedError', 'CheckpointNotFoundError', 'MissingConfigError', 'NoWeightsError', 'ModelChangedError',
  'HubAccessError', 'GatedRepositoryError', 'NotInCacheError',
]);
/** Limit of the unfit workers that a run remembers. */
const maxUnfit = 50;

const { takeSeat } = proxyActivities<SharedActivities>({
  // Waits on the shared task queue until a worker is free, for days if necessary. Taking the seat itself takes milliseconds.
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '10 seconds' },
  summary: 'waits for a free worker',
});

/**
 * A run that has a worker can go on without more. So it only asks whether another worker is free right now. A seat becomes vacant after
 * 3 seconds without work (activities/seat.ts), so the run must not wait nearly as long.
 */
const { takeSeat: takeAnother } = proxyActivities<SharedActivities>({
  startToCloseTimeout: '1500 ms',
  scheduleToCloseTimeout: '1500 ms',
  retry: { initialInterval: '500 ms' },
  summary: 'asks for one more free worker',
});

/** If one activity fails, the others beside it are cancelled. Their work must have ended before the run starts over. */
const besideOthers = { cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED };

/** The workers that a run has. Plain JSON, so that a run that continues as new keeps them. */
export interface Seating {
  /** Absent until a worker has answered, and after that worker was lost. */
  place?: Place;
  /** Identity of the store that the run began in. */
  store?: string;
  /** Further places for shards. */
  more?: Place[];
  /** Task queues of workers that cannot do the work of the run. It does not ask them again. */
  unfit?: string[];
  /** Task queue of each shard's place. Absent until the run first works on shards. */
  shards?: string[];
}

/** A piece of work that a worker has done, or that failed or was lost with the worker. */
export interface Performed {
  what: string;
  worker: string;
  /** When the run first asked for a worker for it, in milliseconds since 1970. */
  asked: number;
  /** When the run had a worker for it, in milliseconds since 1970. */
  seated: number;
  /** Absent if the worker does not report them. */
  times?: WorkTimes;
  /** Set if the worker was gone before the work ended, or the work failed for good. */
  lost?: true;
}

/** Callbacks for the progress of activities. */
export interface PlacementListener {
  /**
   * An activity begins.
   * @param shard from 0; absent for work on all windows
   * @param detail what it does; absent if only this activity is in flight, or only shards of the same work
   * @returns the summary that Temporal's web page shows
   */
  onBegin: (name: keyof Activities, shard?: number, detail?: string) => string;
  onEnd: (work: Performed) => void;
  /** The run has lost a worker. @param shard the shard that was worked on there, as in `begins` */
  onMove: (cause: unknown, shard?: number) => void;
}

/** Thrown by an activity that must run on a certain worker if the run has lost that worker. */
export class PlaceLostError extends Error {}

/** Where an activity runs: on a shard's place, or on one certain place, or on the run's first place. */
interface Where {
  shard?: number;
  /** Task queue of the certain place, and what the activity does. */
  only?: { taskQueue: string; detail: string };
}

/**
 * The activities of one run, all on one worker as long as it lasts. The run finds a worker through the shared task queue, then sends
 * every activity to that worker's own task queue. If the worker is gone, shuts down, or has meanwhile turned to another run, the
 * activity in flight fails. The run then finds another worker and starts the activity again there.
 *
 * Shards of a calibration may be on several such workers. Each worker runs one activity at a time.
 */
export class Placement {
  private readonly activityOptions: ActivityOptions;
  /** Activities in flight, by task queue. They never reject. */
  private readonly inFlight = new Map<string, Promise<void>>();
  private seatAsked: Promise<void> | undefined;
  private moreAsked: Promise<void> | undefined;
  /** Activities that do not belong to a shard. */
  readonly activities: Activities = this.activitiesOf({});

  /** @param seating the run's current workers; kept up to date */
  constructor(
    private readonly seating: Seating,
    options: ActivityOptions,
    private readonly listener: PlacementListener,
  ) {
    const retry = { ...options.retry, nonRetryableErrorTypes: [...(options.retry?.nonRetryableErrorTypes ?? []), lostSeat, deadWorker] };
    this.activityOptions = { ...options, retry, scheduleToStartTimeout: missingAfter };
  }

  /**
   * Returns the activities of each shard, on that shard's place. Asks for further workers, up to one per shard. The first call waits for
   * the answers, at most 1.5 seconds. Later calls ask for one worker at a time and do not wait.
   * @param mayAsk whether a later call may ask for another worker
   */
  async forShards(count: number, mayAsk: boolean): Promise<Activities[]> {
    const { seating } = this;
    if (seating.shards === undefined) {
      await this.seat();
      await Promise.all(Array.from({ length: count - 1 }, () => this.ask(count)));
    } else if (mayAsk && this.moreAsked === undefined && this.places().length < count) {
      // Errors are ignored: a cancellation is reported by the run's other activities.
      this.moreAsked = this.ask(count).catch(() => undefined).finally(() => { this.moreAsked = undefined; });
    }
    this.assign(count);
    return Array.from({ length: count }, (_, shard) => this.activitiesOf({ shard }));
  }

  /**
   * Returns the activities of up to `most` places. They run on their place or throw {@link PlaceLostError}. Asks for further workers as
   * {@link forShards} does.
   * @param count the number of shards, which limits the number of places
   */
  async onPlaces(most: number, count: number): Promise<((detail: string) => Activities)[]> {
    await this.forShards(count, true);
    return this.places().slice(0, most).map(({ taskQueue }) => (detail) => this.activitiesOf({ only: { taskQueue, detail } }));
  }

  /** Gives up the places that only shards need, so that their workers can serve other runs. */
  withoutShards(): void {
    delete this.seating.more;
    delete this.seating.shards;
  }

  /** The number of workers that the run has. */
  get workers(): number {
    return this.places().length;
  }

  private activitiesOf(where: Where): Activities {
    return new Proxy({} as Activities, { get: (_, name: keyof Activities) => (input: never) => this.perform(name, input, where) });
  }

  private async perform(name: keyof Activities, input: never, where: Where): Promise<unknown> {
    const { seating, listener } = this;
    const { shard, only } = where;
    const isBesideOthers = shard !== undefined || only !== undefined;
    for (let asked = Date.now(); ; asked = Date.now()) {
      const { place, end } = await this.reservePlace(where);
      seating.store = place.store;
      const seated = Date.now();
      const summary = listener.onBegin(name, shard, only?.detail);
      const work = { what: summary, worker: place.worker ?? place.taskQueue, asked, seated };
      const there = proxyActivities<Activities>({ ...this.activityOptions, ...(isBesideOthers && besideOthers), taskQueue: place.taskQueue, summary });
      try {
        const { result, times } = withoutTimes(await (there[name] as (input: never) => Promise<unknown>)(input));
        listener.onEnd({ ...work, ...(times && { times }) });
        return result;
      } catch (error) {
        listener.onEnd({ ...work, lost: true });
        if (this.isUnfit(error)) seating.unfit = [...(seating.unfit ?? []), place.taskQueue].slice(-maxUnfit);
        else if (!hasLostItsPlace(error)) throw error;
        this.leave(place);
        listener.onMove(error.cause, shard);
      } finally {
        end();
      }
    }
  }

  /** Waits until the place for an activity is idle, then reserves it. @throws PlaceLostError if the certain place is gone */
  private async reservePlace(where: Where): Promise<{ place: Place; end: () => void }> {
    for (;;) {
      await this.seat();
      const place = this.placeOf(where);
      const before = place && this.inFlight.get(place.taskQueue);
      if (before !== undefined) await before;
      else if (place !== undefined) return { place, end: this.occupy(place) };
    }
  }

  private occupy({ taskQueue }: Place): () => void {
    let ended = (): void => undefined;
    this.inFlight.set(taskQueue, new Promise((resolve) => {
      ended = () => {
        this.inFlight.delete(taskQueue);
        resolve();
      };
    }));
    return () => { ended(); };
  }

  /** Waits for a place, if the run has none. */
  private async seat(): Promise<void> {
    const { seating } = this;
    if (seating.place !== undefined) return;
    // Shards that lost their place share one request.
    this.seatAsked ??= takeSeat(seating.store === undefined ? {} : { store: seating.store })
      .then((place) => { seating.place = place; })
      .finally(() => { this.seatAsked = undefined; });
    await this.seatAsked;
  }

  /** Asks for one more place. If no worker is free, the run continues as before. */
  private async ask(count: number): Promise<void> {
    const { seating } = this;
    const beside = [...this.places().map(({ taskQueue }) => taskQueue), ...(seating.unfit ?? [])];
    const found = await takeAnother({ ...(seating.store !== undefined && { store: seating.store }), beside }).catch((error: unknown) => {
      if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
      return undefined;
    });
    if (found === undefined || seating.place === undefined || this.places().some(({ taskQueue }) => taskQueue === found.taskQueue)) return;
    seating.more = [...(seating.more ?? []), found];
    if (seating.shards !== undefined) this.assign(count);
  }

  private places(): Place[] {
    const { place, more = [] } = this.seating;
    return place === undefined ? more : [place, ...more];
  }

  private placeOf({ shard, only }: Where): Place | undefined {
    const { seating } = this;
    if (only !== undefined) {
      const place = this.places().find(({ taskQueue }) => taskQueue === only.taskQueue);
      if (place === undefined) throw new PlaceLostError(only.taskQueue);
      return place;
    }
    if (shard === undefined || seating.shards === undefined) return seating.place;
    return this.places().find(({ taskQueue }) => taskQueue === seating.shards?.[shard]) ?? seating.place;
  }

  private assign(count: number): void {
    const places = this.places().map(({ taskQueue }) => taskQueue);
    if (places.length > 0) this.seating.shards = assignShards(this.seating.shards ?? [], places, count);
  }

  /** Checks whether a worker cannot do the work of the run, while the run has other workers. */
  private isUnfit(error: unknown): error is ActivityFailure {
    return error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && unfitness.has(error.cause.type ?? '') && this.places().length > 1;
  }

  /** Gives up a place. If it was the first one, another place takes its role. */
  private leave({ taskQueue }: Place): void {
    const { seating } = this;
    const [place, ...more] = this.places().filter((one) => one.taskQueue !== taskQueue);
    delete seating.place;
    delete seating.more;
    if (place !== undefined) seating.place = place;
    if (more.length > 0) seating.more = more;
    if (seating.shards !== undefined) this.assign(seating.shards.length);
  }
}

/** Splits an activity's answer into its result and its times. Earlier versions send no times. */
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
