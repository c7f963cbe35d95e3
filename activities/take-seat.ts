import type { ArtifactStore } from '../files/artifacts/index.js';
import { OtherStoreError, SeatTakenError } from './errors.js';
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

/** What a run has already. */
export interface Seated {
  /** Identity of the store that its artifacts are in; absent for a run that has none yet. */
  store?: string;
  /** Task queues of its other workers. */
  beside?: readonly string[];
}

/**
 * Gives a run the seat of this worker.
 * @throws OtherStoreError if this worker has another store; Temporal then asks again, and another worker may answer
 * @throws SeatTakenError if another run was faster, or the run has this worker already; SeatLostError
 */
export async function takeSeat({ seat, store, taskQueue, worker }: TakeSeatOptions, run: string, { store: begunIn, beside = [] }: Seated): Promise<Place> {
  // Its seat is vacant because the run had no work for it.
  if (beside.includes(taskQueue)) throw new SeatTakenError();
  const here = await store.shelf.identity();
  if (begunIn !== undefined && begunIn !== here) throw new OtherStoreError(begunIn, here, store.shelf.name);
  seat.take(run);
  return { taskQueue, store: here, worker };
}
