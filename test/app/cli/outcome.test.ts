import { ActivityFailure, ApplicationFailure, CancelledFailure, TimeoutFailure, WorkflowFailedError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { describeFailure } from '../../../app/cli/outcome.js';

const failed = (cause: Error) => new WorkflowFailedError('Workflow execution failed', cause, 'NON_RETRYABLE_FAILURE');
const inActivity = (cause: Error) => new ActivityFailure('Activity task failed', 'rebuildLayer', '7', 'NON_RETRYABLE_FAILURE', 'worker', cause);

describe('the error of a failed run', () => {
  it('is the error of the activity, not a wrapper or its cause', () => {
    const fault = ApplicationFailure.create({ message: 'model.safetensors: NaN', type: 'NotFiniteError', nonRetryable: true, cause: ApplicationFailure.create({ message: 'deep' }) });
    expect(describeFailure(failed(inActivity(fault)))).toEqual({ status: 'failed', error: { type: 'NotFiniteError', message: 'model.safetensors: NaN' } });
  });

  it('is the one from Temporal if the activity did not fail', () => {
    const timeout = new TimeoutFailure('activity Heartbeat timeout', undefined, 'HEARTBEAT');
    expect(describeFailure(failed(inActivity(timeout)))).toEqual({ status: 'failed', error: { type: 'TimeoutFailure', message: 'activity Heartbeat timeout' } });
  });

  it('is a cancellation if the run was cancelled', () => {
    expect(describeFailure(failed(new CancelledFailure('cancelled'))).status).toBe('cancelled');
    expect(describeFailure(failed(inActivity(new CancelledFailure('cancelled')))).status).toBe('cancelled');
  });
});
