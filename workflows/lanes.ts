import type { Activities, UnitResult } from '../activities/types.js';
import { allOrNone } from './all-or-none.js';
import { PlaceLostError } from './placement.js';
import type { StageTracker } from './progress.js';

/** Returns the activities of one worker. @param detail what they do, for the progress of the run and the summaries of the activities */
export type Lane = (detail: string) => Activities;

/** Workers that are used at once, at most. Each adds events for every layer of the model, and a history has room for 51,200. */
const mostLanes = 32;

/** Returns a lane for each worker that a stage may use, at least one and at most `most`. */
export type Lanes = (most: number) => Promise<Lane[]>;

interface Run {
  lanes: Lanes;
  tracker: StageTracker;
  /** Called while no unit is being worked on. */
  between: () => Promise<void>;
}

/**
 * Does units of work that do not depend on each other, several at once if the stage may use several workers. A unit stays on one worker,
 * because its hidden states are there. If that worker is lost, the unit begins again on another one.
 * @param work does a unit, whose index counts from 0, and calls `finish` for each of its activities that counts in the progress
 */
export async function inLanes<Unit>(units: readonly Unit[], { lanes, tracker, between }: Run, work: (unit: Unit, lane: Lane, finish: (made: UnitResult) => void, index: number) => Promise<void>): Promise<void> {
  let left = [...units.entries()];
  while (left.length > 0) {
    await between();
    const there = await lanes(Math.min(left.length, mostLanes));
    const round = left.slice(0, there.length);
    const finished = await allOrNone(round.map(([index, unit], lane) => async () => {
      let activities = 0;
      const finish = (made: UnitResult): void => {
        activities++;
        tracker.finishUnit(made);
      };
      try {
        await work(unit, there[lane], finish, index);
        return true;
      } catch (error) {
        if (!(error instanceof PlaceLostError)) throw error;
        // They will be done once more.
        tracker.addUnits(activities);
        return false;
      }
    }));
    left = [...round.filter((_, lane) => !finished[lane]), ...left.slice(there.length)];
  }
}
