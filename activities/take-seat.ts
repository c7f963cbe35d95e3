import type { ArtifactStore } from '../files/artifacts/index.js';
import { OtherStoreError } from './errors.js';
import type { Seat } from './seat.js';
import type { Place } from './types.js';

export interface TakeSeatOptions {
  seat: Seat;
  store: ArtifactStore;
  /** The worker's own task queue, which no other worker serves. */
  taskQueue: string;
  /** What the worker calls itself to the server. */
  worker: string;
}

/**
 * Gives a run the seat of this worker.
 * @param begunIn identity of the store that the run's artifacts are in; undefined for a run that has none yet
 * @throws OtherStoreError if this worker has another store; Temporal then asks again, and another worker may answer
 * @throws SeatTakenError, SeatLostError
 */
export async function takeSeat({ seat, store, taskQueue, worker }: TakeSeatOptions, run: string, begunIn: string | undefined): Promise<Place> {
  const here = await store.shelf.identity();
  if (begunIn !== undefined && begunIn !== here) throw new OtherStoreError(begunIn, here, store.shelf.name);
  seat.take(run);
  return { taskQueue, store: here, worker };
}
