/**
 * Matrices in float64, for sums over many tokens and for factors. TensorFlow.js has no such tensors. On the `tensorflow` backend its own
 * operations hold and factor them where the other tensors are; on `wasm` JavaScript does.
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
  /** Rounded to float32; the caller's to dispose. */
  toFloat32(): Tensor2D;
  /** The values on the host, row-major; a copy. */
  values(): Promise<Float64Array>;
  /** Of a square matrix, `[n]`. */
  diagonal(): Promise<Float64Array>;
  /** Whether no value is NaN or infinite. */
  isFinite(): Promise<boolean>;
  /** @returns undefined if the matrix is not finite, or not positive definite beyond rounding */
  inverseFactor(request: InverseFactor): Promise<Float64Matrix | undefined>;
  dispose(): void;
}

/** Asks for F with `A^-1 = F^T F`, A being the symmetric matrix divided by `divisor`, with another diagonal. */
export interface InverseFactor {
  /** The diagonal of A, `[n]`. */
  diagonal: Float64Array;
  /** 1 unless given. */
  divisor?: number;
  /** F is a lower or an upper triangle; zeros fill the rest. */
  triangle: 'lower' | 'upper';
}

/** Zeros. The caller disposes the matrix. */
export function zeros64(rows: number, columns: number): Float64Matrix {
  return hasDeviceOps() ? DeviceMatrix.zeros(rows, columns) : new HostMatrix(new Float64Array(rows * columns), rows, columns);
}

/** A diagonal matrix. The caller disposes it. */
export function diagonal64(values: Float64Array): Float64Matrix {
  if (hasDeviceOps()) return DeviceMatrix.diagonal(values);
  const size = values.length;
  return new HostMatrix(Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? values[i / (size + 1)] : 0)), size, size);
}

/** A matrix of values that are on the host, row-major. The caller disposes it. */
export function matrix64(values: Float64Array, rows: number, columns: number): Float64Matrix {
  return hasDeviceOps() ? DeviceMatrix.of(values, rows, columns) : new HostMatrix(values.slice(), rows, columns);
}
