import type { WorkflowExecutionInfo } from '@temporalio/client';
import { startedMemo } from '../../workflows/protocol.js';

/** When a run began: the start of its first execution, if it has continued as new since. */
export function runStart({ startTime, memo }: Pick<WorkflowExecutionInfo, 'startTime' | 'memo'>): Date {
  const started = memo?.[startedMemo];
  return typeof started === 'string' ? new Date(started) : startTime;
}
