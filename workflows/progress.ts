import type { Pipeline, Stage } from '../app/config/pipeline.js';
import type { UnitResult } from '../activities/types.js';
import { addCosts } from './work-costs.js';
import { asObject } from './as-object.js';
import type { PipelineProgress, PipelineRequest, RebuildEntry, StageProgress } from './protocol.js';

/** Number of rebuilt sub-blocks that the progress shows. */
const shownEntries = 2;

/** Tracks one stage: what is in flight, what is done, and how long the rest will take. */
export class StageTracker {
  private workers = 1;

  constructor(readonly progress: StageProgress) {}

  /** Records the seconds that the plan predicts for the stage, if there is a plan. */
  plan(seconds: number | undefined): void {
    if (seconds !== undefined) this.progress.planned = seconds;
  }

  begin(total: number): void {
    // A stage that runs again because an artifact was lost counts from zero.
    Object.assign(this.progress, { state: 'running', done: 0, total, detail: '', seconds: 0, reused: 0 });
    delete this.progress.secondsFound;
    delete this.progress.secondsLeft;
    delete this.progress.latest;
    delete this.progress.costs;
  }

  /** Sets the number of workers that share the work from now on. It shortens the time that is left. */
  setWorkers(workers: number): void {
    this.workers = workers;
  }

  /** Sets what is in flight. */
  setDetail(detail: string): void {
    this.progress.detail = detail;
  }

  /** Adds units that were not known at the start. */
  addUnits(units: number): void {
    this.progress.total += units;
  }

  /** Counts a finished unit of work, and estimates from all units so far how long the others will take. */
  finishUnit(made: UnitResult): void {
    const { progress } = this;
    progress.done++;
    this.recordWork(made);
    if (made.reused) progress.reused++;
    progress.secondsLeft = ((progress.seconds / progress.done) * Math.max(0, progress.total - progress.done)) / this.workers;
  }

  /** Adds seconds of work that do not count as a unit. */
  recordWork({ seconds, reused, costs }: UnitResult): void {
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

/** Returns the progress of a run that has not started. The request is not checked yet, so it may have no stages. */
export function newProgress(request: Pick<PipelineRequest, 'pipeline' | 'configDigest'>): PipelineProgress {
  const { pipeline, configDigest } = asObject(request) as Partial<PipelineRequest>;
  const { name = '', stages } = asObject(pipeline ?? {}) as Partial<Pipeline>;
  const waiting = (stage: Stage): StageProgress => ({ type: asObject(stage).type, state: 'waiting', done: 0, total: 0, detail: '', seconds: 0, reused: 0 });
  return { name, configDigest: configDigest ?? '', stages: Array.isArray(stages) ? stages.map(waiting) : [] };
}
