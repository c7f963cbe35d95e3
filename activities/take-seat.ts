import type { ArtifactStore } from '../files/artifacts/index.js';
import { OtherStoreError, SeatTakenError } from './errors.js';
import type { Seat } from './seat.js';
import type { Place } from './types.js';

export interface TakeSeatOptions {
  seat: Seat;
  store: ArtifactStore;
  /** The worker's own task queue, which no other worker serves. */
  taskQueue: string;
  /** The worker's identity at the server. */
  worker: string;
}

/** What a run already has. */
export interface Seated {
  /** Identity of the store with its artifacts; absent if the run has none yet. */
  store?: string;
  /** Task queues of its other workers. */
  beside?: readonly string[];
}

/**
 * Gives a run the seat of this worker.
 * @throws OtherStoreError if this worker has another store. Temporal then retries, and another worker may answer
 * @throws SeatTakenError if another run was faster, or the run already has this worker; SeatLostError
 */
export async function takeSeat({ seat, store, taskQueue, worker }: TakeSeatOptions, run: string, { store: begunIn, beside = [] }: Seated): Promise<Place> {
  // The run already has this worker. Its seat is vacant only because the run had no work for it.
  if (beside.includes(taskQueue)) throw new SeatTakenError();
  const here = await store.backend.identity();
  if (begunIn !== undefined && begunIn !== here) throw new OtherStoreError(begunIn, here, store.backend.name);
  seat.take(run);
  return { taskQueue, store: here, worker };
}
