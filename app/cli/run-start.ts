import type { WorkflowExecutionInfo } from '@temporalio/client';
import { startedMemo } from '../../workflows/protocol.js';

/** When a run started. If it has continued as new, this is the start of its first execution. */
export function runStart({ startTime, memo }: Pick<WorkflowExecutionInfo, 'startTime' | 'memo'>): Date {
  const started = memo?.[startedMemo];
  return typeof started === 'string' ? new Date(started) : startTime;
}
