/**
 * Float64 matrices, for sums over many tokens and for factorisations. TensorFlow.js has no such tensors. On the `tensorflow` backend,
 * TensorFlow's own operations are used, on the same device as for other tensors; on `wasm`, plain JavaScript.
 */
import type { Tensor2D } from '@tensorflow/tfjs';
import { DeviceMatrix } from './device-float64.js';
import { hasDeviceOps } from './device-ops.js';
import { HostMatrix } from './host-float64.js';

export interface Float64Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Adds float32 values of the same shape. They are widened exactly, so each sum is rounded once, to float64. */
  add(values: Tensor2D): void;
  /** Rounds to float32. The caller disposes the result. */
  toFloat32(): Tensor2D;
  /** Copies the values to the host, row-major. */
  values(): Promise<Float64Array>;
  /** The diagonal of a square matrix, `[n]`. */
  diagonal(): Promise<Float64Array>;
  /** Whether no value is NaN or infinite. */
  isFinite(): Promise<boolean>;
  /** @returns undefined if the matrix is not finite, or not positive definite beyond rounding */
  inverseFactor(request: InverseFactor): Promise<Float64Matrix | undefined>;
  dispose(): void;
}

/** Requests F with `A^-1 = F^T F`, where A is the symmetric matrix, divided by `divisor` and with its diagonal replaced. */
export interface InverseFactor {
  /** The diagonal of A, `[n]`. */
  diagonal: Float64Array;
  /** Default 1. */
  divisor?: number;
  /** F is a lower or an upper triangular matrix. */
  triangle: 'lower' | 'upper';
}

/** Makes a matrix of zeros. The caller disposes it. */
export function zeros64(rows: number, columns: number): Float64Matrix {
  return hasDeviceOps() ? DeviceMatrix.zeros(rows, columns) : new HostMatrix(new Float64Array(rows * columns), rows, columns);
}

/** Makes a diagonal matrix. The caller disposes it. */
export function diagonal64(values: Float64Array): Float64Matrix {
  if (hasDeviceOps()) return DeviceMatrix.diagonal(values);
  const size = values.length;
  const whole = new Float64Array(size * size);
  for (let i = 0; i < size; i++) whole[i * (size + 1)] = values[i];
  return new HostMatrix(whole, size, size);
}

/** Makes a matrix from values on the host, row-major. The caller disposes it. */
export function matrix64(values: Float64Array, rows: number, columns: number): Float64Matrix {
  return hasDeviceOps() ? DeviceMatrix.of(values, rows, columns) : new HostMatrix(values.slice(), rows, columns);
}
