import type { Tensor2D } from '@tensorflow/tfjs';
import type { Float64Matrix, InverseFactor } from './float64.js';
import { isPivot } from './float64-pivot.js';
import { tf } from './tensorflow.js';

/** A float64 matrix in JavaScript, for the `wasm` backend, whose models are small. */
export class HostMatrix implements Float64Matrix {
  /** @param data row-major; this object becomes its owner */
  constructor(private readonly data: Float64Array, readonly rows: number, readonly columns: number) {}

  add(values: Tensor2D): void {
    const added = values.dataSync<'float32'>();
    for (let i = 0; i < added.length; i++) this.data[i] += added[i];
  }

  toFloat32(): Tensor2D {
    return tf.tensor2d(Float32Array.from(this.data), [this.rows, this.columns]);
  }

  values(): Promise<Float64Array> {
    return Promise.resolve(this.data.slice());
  }

  diagonal(): Promise<Float64Array> {
    return Promise.resolve(Float64Array.from({ length: this.rows }, (_, i) => this.data[i * (this.columns + 1)]));
  }

  isFinite(): Promise<boolean> {
    return Promise.resolve(this.data.every(Number.isFinite));
  }

  inverseFactor({ diagonal, divisor = 1, triangle }: InverseFactor): Promise<HostMatrix | undefined> {
    const n = this.rows;
    const a = this.data.map((value) => value / divisor);
    diagonal.forEach((value, i) => { a[i * (n + 1)] = value; });
    // With rows and columns reversed, A = R R^T with an upper R becomes a Cholesky factorisation, and F = R^-1.
    const turned = triangle === 'upper' ? a.reverse() : a;
    const inverse = factor(turned, n) ? invert(turned, n) : undefined;
    return Promise.resolve(inverse && new HostMatrix(triangle === 'upper' ? inverse.reverse() : inverse, n, n));
  }

  dispose(): void {
    // Left to garbage collection.
  }
}

/** Replaces the lower triangle of A by L with `A = L L^T`, row by row. @returns false if A is not positive definite beyond rounding */
function factor(a: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let j = 0; j <= i; j++) {
      const other = j * n;
      let sum = a[row + j];
      for (let k = 0; k < j; k++) sum -= a[row + k] * a[other + k];
      if (j < i) a[row + j] = sum / a[other + j];
      else if (isPivot(sum, a[row + i], n)) a[row + i] = Math.sqrt(sum);
      else return false;
    }
  }
  return true;
}

/** Inverts the lower triangle L: `X_i = (e_i - sum over k < i of L_ik X_k) / L_ii`. */
function invert(l: Float64Array, n: number): Float64Array {
  const x = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let k = 0; k < i; k++) {
      const times = l[row + k];
      const other = k * n;
      for (let j = 0; j <= k; j++) x[row + j] -= times * x[other + j];
    }
    const pivot = l[row + i];
    for (let j = 0; j < i; j++) x[row + j] /= pivot;
    x[row + i] = 1 / pivot;
  }
  return x;
}
