/**
 * The only access to TensorFlow.js. Nothing outside this folder knows which backend runs, or imports @tensorflow/*.
 *
 * Guaranteed: float32 tensors; the same bits for the same operations, threads and device, in every process.
 * Not guaranteed: the same bits on another backend or device; operations that only one backend has.
 */
export { tf } from './tensorflow.js';
export type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
export { bisect, countTrue } from './device-counts.js';
export { diagonalOf, downloadBits, eye, hasDeviceOps, highBits, lowBits, magnitudeDigits, packBits, selectOn, selectsOnDevice, unpackBits, widenFrom16 } from './device-ops.js';
export { diagonal64, matrix64, zeros64 } from './float64.js';
export type { Float64Matrix } from './float64.js';
export { engineText } from './engine-text.js';
export { startLedger } from './ledger.js';
export type { Traffic } from './ledger.js';
export { openEngine } from './open.js';
export { inTensorScope, keep, outlive } from './tensor-scope.js';
export type { Engine } from './open.js';
export type { EngineRequest } from './choice.js';
export { EngineAlreadyOpen, EngineChoiceInvalid, EngineUnavailable } from './errors.js';
