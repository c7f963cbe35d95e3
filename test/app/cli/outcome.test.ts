import { ActivityFailure, ApplicationFailure, CancelledFailure, TimeoutFailure, WorkflowFailedError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { describeFailure } from '../../../app/cli/outcome.js';

const failed = (cause: Error) => new WorkflowFailedError('Workflow execution failed', cause, 'NON_RETRYABLE_FAILURE');
const inActivity = (cause: Error) => new ActivityFailure('Activity task failed', 'rebuildLayer', '7', 'NON_RETRYABLE_FAILURE', 'worker', cause);

describe('what a failed run says', () => {
  it('is the fault of the activity, not what wraps it or what caused it', () => {
    const fault = ApplicationFailure.create({ message: 'model.safetensors: NaN', type: 'NotFiniteError', nonRetryable: true, cause: ApplicationFailure.create({ message: 'deep' }) });
    expect(describeFailure(failed(inActivity(fault)))).toEqual({ status: 'failed', error: { type: 'NotFiniteError', message: 'model.safetensors: NaN' } });
  });

  it('is what Temporal says if there was no fault', () => {
    const timeout = new TimeoutFailure('activity Heartbeat timeout', undefined, 'HEARTBEAT');
    expect(describeFailure(failed(inActivity(timeout)))).toEqual({ status: 'failed', error: { type: 'TimeoutFailure', message: 'activity Heartbeat timeout' } });
  });

  it('is that it was cancelled, if it was', () => {
    expect(describeFailure(failed(new CancelledFailure('cancelled'))).status).toBe('cancelled');
    expect(describeFailure(failed(inActivity(new CancelledFailure('cancelled')))).status).toBe('cancelled');
  });
});
