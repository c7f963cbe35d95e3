import { condition, defineSignal, setHandler, upsertMemo } from '@temporalio/workflow';
import type { Activities } from '../activities/types.js';
import { pausedMemo, pauseSignal, resumeSignal, type PipelineProgress } from './protocol.js';

/**
 * Holds a run between two activities. Without a pause it adds nothing to the history, so histories from before this feature
 * still replay.
 */
export class Pause {
  private progress: Pick<PipelineProgress, 'pause'> = {};
  private waiting: Promise<void> | undefined;
  /** Number of wrapped activities in flight. */
  private inFlight = 0;
  private onChange: () => void = () => undefined;

  /** Starts to handle the signals, and shows the state of the pause in `progress`. @param onChange called when that state changes */
  listen(progress: PipelineProgress, onChange: () => void): void {
    this.progress = progress;
    this.onChange = onChange;
    setHandler(defineSignal(pauseSignal), () => {
      progress.pause ??= this.waiting !== undefined && this.inFlight === 0 ? 'reached' : 'asked';
      onChange();
    });
    setHandler(defineSignal(resumeSignal), () => {
      delete progress.pause;
      onChange();
    });
  }

  /** Wraps activities so that none begins during a pause. Activities in flight are not interrupted. */
  pausable(activities: Activities): Activities {
    return new Proxy(activities, {
      get: (all, name: keyof Activities) => async (input: never) => {
        await this.waitWhilePaused();
        this.inFlight++;
        try {
          return await (all[name] as (input: never) => Promise<unknown>)(input);
        } finally {
          this.inFlight--;
          if (this.waiting !== undefined) this.noteReached();
        }
      },
    });
  }

  /** Resolves when no pause is asked for. */
  async waitWhilePaused(): Promise<void> {
    if (this.progress.pause === undefined) return;
    this.waiting ??= this.wait().finally(() => { this.waiting = undefined; });
    await this.waiting;
  }

  private async wait(): Promise<void> {
    const { progress } = this;
    this.noteReached();
    // The list of runs shows the memo, on any server and without a worker.
    upsertMemo({ [pausedMemo]: true });
    await condition(() => progress.pause === undefined);
    upsertMemo({ [pausedMemo]: null });
  }

  /** Shows the pause as reached once nothing is in flight. */
  private noteReached(): void {
    const { progress } = this;
    if (progress.pause === undefined || this.inFlight > 0) return;
    progress.pause = 'reached';
    this.onChange();
  }
}
