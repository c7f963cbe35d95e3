import { ActivityCancellationType, ActivityFailure, ApplicationFailure, isCancellation, proxyActivities, TimeoutFailure, type ActivityOptions } from '@temporalio/workflow';
import type { Activities, Place, SharedActivities, WorkTimes } from '../activities/types.js';
import { assignShards } from './shard-places.js';

/** How long an activity may wait for the run's worker, which works for no other run. */
const missingAfter = '10 seconds';

/** Failures after which the run looks for another worker instead of asking the same one again. */
const lostSeat = 'SeatLostError';
const deadWorker = 'TemporalTimeout:Heartbeat';

/** Failures of a worker that cannot do the run's work: another engine, or no access to the model. Another worker of the run may. */
const unfitness = new Set(['EngineChangedError', 'PathNotAllowedError', 'CheckpointNotFoundError', 'MissingConfigError', 'NoWeightsError']);
/** Limit of the unfit workers that a run remembers. */
const mostUnfit = 50;

const { takeSeat } = proxyActivities<SharedActivities>({
  // It waits on the shared task queue until a worker is free, for days if need be; taking the seat is a matter of milliseconds.
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '10 seconds' },
  summary: 'waits for a free worker',
});

/**
 * A run that has a worker goes on without more of them: it asks whether one is free just now. A seat is vacant after 3 seconds without
 * work (activities/seat.ts), so it must not wait nearly as long.
 */
const { takeSeat: takeAnother } = proxyActivities<SharedActivities>({
  startToCloseTimeout: '1500 ms',
  scheduleToCloseTimeout: '1500 ms',
  retry: { initialInterval: '500 ms' },
  summary: 'asks for one more free worker',
});

/** If one shard fails, the others are cancelled. Then their work must have ended before the run starts over. */
const ofShards = { cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED };

/** Where a run sits. It is plain JSON, so that a run that continues as new keeps its seat. */
export interface Seating {
  /** Absent until a worker has answered, and after it was lost. */
  place?: Place;
  /** Identity of the store that the run has begun in. */
  store?: string;
  /** Further places, while shards are worked on. */
  more?: Place[];
  /** Task queues of workers that could not do the run's work. They are not asked for more. */
  unfit?: string[];
  /** Task queue of the place of each shard. Absent before the first shards. */
  shards?: string[];
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
  /** An activity begins. @param shard from 0; absent where it is of all windows @returns what Temporal's page says of it */
  begins: (name: keyof Activities, shard?: number) => string;
  performed: (work: Performed) => void;
  /** The run has lost a worker. @param shard whose work was there, as in `begins` */
  moves: (cause: unknown, shard?: number) => void;
}

/**
 * The activities of one run, all on one worker as long as that lasts: the shared task queue gives the run a worker, whose own
 * task queue then gets every activity. When the worker is gone, is shutting down, or has turned to another run meanwhile, the
 * activity in flight fails, the shared task queue gives another worker, and the activity begins again there.
 *
 * Shards of a calibration may be on several such workers. Each of them has one activity at a time.
 */
export class Placement {
  private readonly activityOptions: ActivityOptions;
  /** Activities in flight, by task queue. They never reject. */
  private readonly inFlight = new Map<string, Promise<void>>();
  private seatAsked: Promise<void> | undefined;
  private moreAsked: Promise<void> | undefined;
  /** The activities without regard to shards. */
  readonly activities: Activities = this.activitiesOf(undefined);

  /** @param seating where the run sits now; kept up to date */
  constructor(
    private readonly seating: Seating,
    options: ActivityOptions,
    private readonly watching: Watching,
  ) {
    const retry = { ...options.retry, nonRetryableErrorTypes: [...(options.retry?.nonRetryableErrorTypes ?? []), lostSeat, deadWorker] };
    this.activityOptions = { ...options, retry, scheduleToStartTimeout: missingAfter };
  }

  /**
   * The activities of each shard, on the place of that shard. The run asks for further workers, up to one for each shard: the first time it
   * waits for the answers, at most 1.5 seconds; later it asks for one at a time and goes on meanwhile.
   * @param mayAsk whether to ask again
   */
  async forShards(count: number, mayAsk: boolean): Promise<Activities[]> {
    const { seating } = this;
    if (seating.shards === undefined) {
      await this.seat();
      await Promise.all(Array.from({ length: count - 1 }, () => this.ask(count)));
    } else if (mayAsk && this.moreAsked === undefined && this.places().length < count) {
      // If the run is cancelled, its other activities say so.
      this.moreAsked = this.ask(count).catch(() => undefined).finally(() => { this.moreAsked = undefined; });
    }
    this.assign(count);
    return Array.from({ length: count }, (_, shard) => this.activitiesOf(shard));
  }

  /** Gives up the places that only shards need. Their workers serve other runs soon. */
  withoutShards(): void {
    delete this.seating.more;
    delete this.seating.shards;
  }

  /** How many workers the run has. */
  get workers(): number {
    return this.places().length;
  }

  private activitiesOf(shard: number | undefined): Activities {
    return new Proxy({} as Activities, { get: (_, name: keyof Activities) => (input: never) => this.perform(name, input, shard) });
  }

  private async perform(name: keyof Activities, input: never, shard: number | undefined): Promise<unknown> {
    const { seating, watching } = this;
    for (let asked = Date.now(); ; asked = Date.now()) {
      const { place, end } = await this.turn(shard);
      seating.store = place.store;
      const seated = Date.now();
      const summary = watching.begins(name, shard);
      const work = { what: summary, worker: place.worker ?? place.taskQueue, asked, seated };
      const there = proxyActivities<Activities>({ ...this.activityOptions, ...(shard !== undefined && ofShards), taskQueue: place.taskQueue, summary });
      try {
        const { result, times } = withoutTimes(await (there[name] as (input: never) => Promise<unknown>)(input));
        watching.performed({ ...work, ...(times && { times }) });
        return result;
      } catch (error) {
        watching.performed({ ...work, lost: true });
        if (this.isUnfit(error)) seating.unfit = [...(seating.unfit ?? []), place.taskQueue].slice(-mostUnfit);
        else if (!hasLostItsPlace(error)) throw error;
        this.leave(place);
        watching.moves(error.cause, shard);
      } finally {
        end();
      }
    }
  }

  /** The place for an activity, once nothing else is in flight there. */
  private async turn(shard: number | undefined): Promise<{ place: Place; end: () => void }> {
    for (;;) {
      await this.seat();
      const place = this.placeOf(shard);
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

  /** Waits for the run's first place, if it has none. */
  private async seat(): Promise<void> {
    const { seating } = this;
    if (seating.place !== undefined) return;
    // Shards that have lost their place ask for one together.
    this.seatAsked ??= takeSeat(seating.store === undefined ? {} : { store: seating.store })
      .then((place) => { seating.place = place; })
      .finally(() => { this.seatAsked = undefined; });
    await this.seatAsked;
  }

  /** Asks for one place more. If there is none, the run goes on as it is. */
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

  private placeOf(shard: number | undefined): Place | undefined {
    const { seating } = this;
    if (shard === undefined || seating.shards === undefined) return seating.place;
    return this.places().find(({ taskQueue }) => taskQueue === seating.shards?.[shard]) ?? seating.place;
  }

  private assign(count: number): void {
    const places = this.places().map(({ taskQueue }) => taskQueue);
    if (places.length > 0) this.seating.shards = assignShards(this.seating.shards ?? [], places, count);
  }

  /** Whether a worker cannot do the run's work, and the run has others. */
  private isUnfit(error: unknown): error is ActivityFailure {
    return error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && unfitness.has(error.cause.type ?? '') && this.places().length > 1;
  }

  /** Gives up a place. If it was the first, another one takes its part. */
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
