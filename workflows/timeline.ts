import type { CostedStage, Timeline, TimelineUnit } from '../activities/result.js';
import type { Performed } from './placement.js';

/**
 * Limits that keep the state of a run small. After `apart` units, a unit is joined to the last one of the same worker and stage. Lost
 * units, and those of workers and stages without a unit, stay apart until there are `all` units. After that they are joined to any.
 */
const most = { apart: 400, all: 550 };

/** Which worker of a run did what, and when. A replay compares nothing of it. */
export class TimelineKeeper {
  private timeline: Timeline = { from: new Date(0).toISOString(), workers: [], units: [] };

  /** @param before timeline from the previous execution @param started start of this execution */
  begin(before: Timeline | undefined, started: Date): void {
    this.timeline = before ?? { from: started.toISOString(), workers: [], units: [] };
  }

  /** Adds a unit of work that has just ended. The clocks of machines differ a little, so impossible times are corrected. */
  add(stage: CostedStage | undefined, { what, worker, asked, seated, times, lost }: Performed): void {
    const now = Date.now();
    const begun = Math.max(asked, times?.begun ?? seated);
    const unit: TimelineUnit = {
      ...(stage !== undefined && { stage }), what, worker: this.indexOf(worker),
      asked: this.since(asked), begun: this.since(begun), ended: this.since(Math.max(begun, times?.ended ?? now)),
      ...(times !== undefined && times.attempt > 1 && { attempts: times.attempt }), ...(lost && { lost }),
    };
    const { units } = this.timeline;
    // The shards of a layer are on several workers, so it need not be the last unit of all.
    const fitting = units.findLast((one) => one.worker === unit.worker && one.stage === stage);
    const last = fitting ?? units.at(-1);
    if (units.length < most.apart || last === undefined || (units.length < most.all && (fitting === undefined || lost))) units.push(unit);
    else {
      last.ended = Math.max(last.ended, unit.ended);
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
