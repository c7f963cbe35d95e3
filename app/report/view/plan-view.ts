/** What stages took beside what was predicted before the run began. Pure. */
import type { CostedStage } from '../../../activities/result.js';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { stageNames } from '../costs-table.js';

export interface PlanRow {
  name: string;
  /** Seconds of work: made by this run, found in the store, and both. */
  made: number;
  found: number;
  seconds: number;
  /** Seconds that were predicted. */
  planned?: number;
  /** Bytes of the compute process at the peak; absent where nothing was made. */
  peak?: number;
  plannedPeak?: number;
}

/** Whether anything was predicted. */
export const isPlanned = (rows: readonly PlanRow[]): boolean => rows.some(({ planned }) => planned !== undefined);

/** A row for each stage that took time or was planned. */
export function planRows({ seconds, found = {}, planned = {}, costs = {} }: Pick<PipelineResult, 'seconds' | 'found' | 'planned' | 'costs'>): PlanRow[] {
  return (Object.keys(stageNames) as CostedStage[]).flatMap((stage): PlanRow[] => {
    const plan = planned[stage];
    if (seconds[stage] === 0 && plan === undefined) return [];
    const own = Math.min(seconds[stage], found[stage] ?? 0);
    const peak = costs[stage]?.peakBytes;
    return [{
      name: stageNames[stage], seconds: seconds[stage], found: own, made: seconds[stage] - own,
      ...(plan !== undefined && { planned: plan.seconds, ...(plan.bytes !== undefined && { plannedPeak: plan.bytes }) }),
      ...(peak !== undefined && { peak }),
    }];
  });
}
