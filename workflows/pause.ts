import { condition, defineSignal, setHandler, upsertMemo } from '@temporalio/workflow';
import type { Activities } from '../activities/types.js';
import { pausedMemo, pauseSignal, resumeSignal, type PipelineProgress } from './protocol.js';

/**
 * Holds a run between two activities. Without a pause it adds nothing to the history, so histories from before this feature
 * still replay.
 */
export class Pause {
  private progress: Pick<PipelineProgress, 'pause'> = {};
  private isWaiting = false;
  private onChange: () => void = () => undefined;

  /** Starts to handle the signals, and shows the state of the pause in `progress`. @param onChange called when that state changes */
  listen(progress: PipelineProgress, onChange: () => void): void {
    this.progress = progress;
    this.onChange = onChange;
    setHandler(defineSignal(pauseSignal), () => {
      progress.pause ??= this.isWaiting ? 'reached' : 'asked';
      onChange();
    });
    setHandler(defineSignal(resumeSignal), () => {
      delete progress.pause;
      onChange();
    });
  }

  /** Wraps activities so that none begins during a pause. The activity in flight is not interrupted. */
  pausable(activities: Activities): Activities {
    return new Proxy(activities, {
      get: (all, name: keyof Activities) => async (input: never) => {
        await this.waitWhilePaused();
        return await (all[name] as (input: never) => Promise<unknown>)(input);
      },
    });
  }

  /** Resolves when no pause is asked for. */
  async waitWhilePaused(): Promise<void> {
    const { progress } = this;
    if (progress.pause === undefined) return;
    progress.pause = 'reached';
    this.onChange();
    this.isWaiting = true;
    // The list of runs shows the memo, on any server and without a worker.
    upsertMemo({ [pausedMemo]: true });
    await condition(() => progress.pause === undefined);
    this.isWaiting = false;
    upsertMemo({ [pausedMemo]: null });
  }
}
