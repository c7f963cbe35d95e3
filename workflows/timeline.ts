import type { CostedStage, Timeline, TimelineUnit } from '../activities/result.js';
import type { Performed } from './placement.js';

/**
 * After `apart` pieces of work, later ones of the same worker and stage are joined to the last one. After `all`, every later one is. So what a
 * run carries on stays small.
 */
const most = { apart: 400, all: 550 };

/** Which worker of a run has done what, and when. Nothing of it is compared when a history is replayed. */
export class TimelineKeeper {
  private timeline: Timeline = { from: new Date(0).toISOString(), workers: [], units: [] };

  /** @param before what the execution before this one has handed on @param started of this execution */
  begin(before: Timeline | undefined, started: Date): void {
    this.timeline = before ?? { from: started.toISOString(), workers: [], units: [] };
  }

  /** Notes a piece of work that has just ended. Clocks of machines differ a little, so what cannot be is corrected. */
  add(stage: CostedStage | undefined, { what, worker, asked, seated, times, lost }: Performed): void {
    const now = Date.now();
    const begun = Math.max(asked, times?.begun ?? seated);
    const unit: TimelineUnit = {
      ...(stage !== undefined && { stage }), what, worker: this.indexOf(worker),
      asked: this.since(asked), begun: this.since(begun), ended: this.since(Math.max(begun, times?.ended ?? now)),
      ...(times !== undefined && times.attempt > 1 && { attempts: times.attempt }), ...(lost && { lost }),
    };
    const { units } = this.timeline;
    const last = units.at(-1);
    if (units.length < most.apart || last === undefined || (units.length < most.all && (last.worker !== unit.worker || last.stage !== stage || lost))) units.push(unit);
    else {
      last.ended = unit.ended;
      this.timeline.joined = (this.timeline.joined ?? 0) + 1;
    }
  }

  soFar(): Timeline {
    return this.timeline;
  }

  private indexOf(worker: string): number {
    const { workers } = this.timeline;
    const index = workers.indexOf(worker);
    return index >= 0 ? index : workers.push(worker) - 1;
  }

  private since(time: number): number {
    return Math.max(0, time - Date.parse(this.timeline.from)) / 1000;
  }
}
