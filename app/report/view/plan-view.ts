/** Compares what stages took with what was predicted before the run started. Pure. */
import type { CostedStage } from '../../../activities/result.js';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { stageNames } from '../costs-table.js';

export interface PlanRow {
  name: string;
  /** Seconds of work: done by this run, found in the store, and the sum. */
  made: number;
  found: number;
  seconds: number;
  /** Predicted seconds. */
  planned?: number;
  /** Peak bytes of the compute process; absent if nothing was computed. */
  peak?: number;
  plannedPeak?: number;
}

/** Whether anything was predicted. */
export const isPlanned = (rows: readonly PlanRow[]): boolean => rows.some(({ planned }) => planned !== undefined);

/** Returns a row for each stage that took time or was planned. */
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
