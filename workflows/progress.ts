import type { Pipeline, Stage } from '../app/config/pipeline.js';
import type { UnitResult } from '../activities/types.js';
import { addCosts } from './work-costs.js';
import { readable } from './readable.js';
import type { PipelineProgress, PipelineRequest, RebuildEntry, StageProgress } from './protocol.js';

/** How many rebuilt sub-blocks the progress shows. */
const shownEntries = 2;

/** Follows one stage: what is in flight, what is done, how long the rest will take. */
export class StageTracker {
  private workers = 1;

  constructor(readonly progress: StageProgress) {}

  /** Notes the seconds that the plan gives the stage, if there is one. */
  plan(seconds: number | undefined): void {
    if (seconds !== undefined) this.progress.planned = seconds;
  }

  begin(total: number): void {
    // A stage that is run again, because an artifact was lost, counts afresh.
    Object.assign(this.progress, { state: 'running', done: 0, total, detail: '', seconds: 0, reused: 0 });
    delete this.progress.secondsFound;
    delete this.progress.secondsLeft;
    delete this.progress.latest;
    delete this.progress.costs;
  }

  /** So many workers share the work from now on: the time that is left is shorter than the sum of their seconds. */
  sideBySide(workers: number): void {
    this.workers = workers;
  }

  /** Says what is in flight. */
  working(detail: string): void {
    this.progress.detail = detail;
  }

  /** There are more units than was thought at the beginning. */
  more(units: number): void {
    this.progress.total += units;
  }

  /** Counts a finished unit of work, and guesses from all so far how long the others will take. */
  unit(made: UnitResult): void {
    const { progress } = this;
    progress.done++;
    this.extra(made);
    if (made.reused) progress.reused++;
    progress.secondsLeft = ((progress.seconds / progress.done) * Math.max(0, progress.total - progress.done)) / this.workers;
  }

  /** Adds seconds of work that are no unit of their own. */
  extra({ seconds, reused, costs }: UnitResult): void {
    const { progress } = this;
    if (costs !== undefined) progress.costs = addCosts(progress.costs, costs);
    progress.seconds += seconds;
    if (reused) progress.secondsFound = (progress.secondsFound ?? 0) + seconds;
  }

  rebuilt(entries: RebuildEntry[]): void {
    this.progress.latest = [...(this.progress.latest ?? []), ...entries].slice(-shownEntries);
  }

  end(): void {
    this.progress.state = 'done';
    this.progress.detail = '';
    this.progress.secondsLeft = 0;
  }
}

/** The progress of a run that has not begun. The request is not checked yet, so it may have no stages. */
export function newProgress(request: Pick<PipelineRequest, 'pipeline' | 'configDigest'>): PipelineProgress {
  const { pipeline, configDigest } = readable(request) as Partial<PipelineRequest>;
  const { name = '', stages } = readable(pipeline ?? {}) as Partial<Pipeline>;
  const waiting = (stage: Stage): StageProgress => ({ type: readable(stage).type, state: 'waiting', done: 0, total: 0, detail: '', seconds: 0, reused: 0 });
  return { name, configDigest: configDigest ?? '', stages: Array.isArray(stages) ? stages.map(waiting) : [] };
}
