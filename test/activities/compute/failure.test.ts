import { beforeAll, expect, it } from 'vitest';
import { asFault, serializeFault } from '../../../activities/compute/failure.js';
import { EngineMemoryError, InternalError, SystemTroubleError } from '../../../activities/errors.js';
import { tf } from '../../../science/engine/index.js';
import { openTestEngine } from '../../helpers/engine.js';
import { needs, where } from '../../helpers/needs.js';

beforeAll(() => openTestEngine());

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('expected an error');
}

it('names the tensor that did not fit and the device, and allows a retry', where(needs.tensorflow), () => {
  // 4 PiB, more than any process can address.
  const error = thrown(() => tf.fill([2 ** 25, 2 ** 25], 1));
  expect(asFault(error)).toBeInstanceOf(EngineMemoryError);
  expect(serializeFault(error)).toMatchObject({ name: 'EngineMemoryError', retryable: true });
  expect(serializeFault(error).message).toMatch(/^memory of [CG]PU:0: TensorFlow has no room for a tensor of 33554432 x 33554432\. Stop other programs that use this memory/);
});

it('leaves other failures alone', () => {
  expect(asFault(new Error('Invalid TF_Status: 3\nMessage: Incompatible shapes'))).toBeInstanceOf(InternalError);
  expect(asFault(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }))).toBeInstanceOf(SystemTroubleError);
});
