import type { Tensor2D } from '@tensorflow/tfjs';
import { inverseFactorOf } from './device-factor.js';
import { float32From, idOf } from './device-ops.js';
import type { Float64Matrix, InverseFactor } from './float64.js';
import { liveMatrices } from './float64-live.js';
import { convert, diagonal, diagonalOf, download, drop, fill, flag, indices, int32, op, owning, reverseBoth, upload } from './raw-ops.js';

/** A float64 matrix in TensorFlow. Only results that are requested leave the device. */
export class DeviceMatrix implements Float64Matrix {
  /** @param id TensorFlow's own id of the tensor; this object becomes its owner */
  private constructor(private id: number, readonly rows: number, readonly columns: number) {
    liveMatrices.add(this);
  }

  static of(values: Float64Array, rows: number, columns: number): DeviceMatrix {
    return new DeviceMatrix(upload(values, [rows, columns]), rows, columns);
  }

  static diagonal(values: Float64Array): DeviceMatrix {
    return new DeviceMatrix(diagonal(values), values.length, values.length);
  }

  static zeros(rows: number, columns: number): DeviceMatrix {
    return new DeviceMatrix(fill(0, [rows, columns]), rows, columns);
  }

  add(values: Tensor2D): void {
    const sum = owning((own) => op('AddV2', [this.id, own(convert(idOf(values), 'float32', 'float64'))]));
    drop(this.id);
    this.id = sum;
  }

  toFloat32(): Tensor2D {
    return float32From(convert(this.id, 'float64', 'float32'), [this.rows, this.columns]);
  }

  values(): Promise<Float64Array> {
    return Promise.resolve(download(this.id));
  }

  diagonal(): Promise<Float64Array> {
    return Promise.resolve(diagonalOf(this.id));
  }

  isFinite(): Promise<boolean> {
    // A sum with a NaN or an infinity is not finite either.
    const [sum] = owning((own) => download(own(op('Sum', [this.id, own(int32([0, 1]))], indices('Tidx'), flag('keep_dims', false)))));
    return Promise.resolve(Number.isFinite(sum));
  }

  inverseFactor({ diagonal, divisor = 1, triangle }: InverseFactor): Promise<DeviceMatrix | undefined> {
    const n = this.rows;
    const id = owning((own) => {
      const scaled = own(op('RealDiv', [this.id, own(upload(Float64Array.of(divisor), []))]));
      const a = own(op('MatrixSetDiag', [scaled, own(upload(diagonal, [n]))]));
      if (triangle === 'lower') return inverseFactorOf(a, diagonal);
      // With rows and columns reversed, A = R R^T with an upper R becomes a Cholesky factorisation, and F = R^-1.
      const inverse = inverseFactorOf(own(reverseBoth(a)), diagonal.slice().reverse());
      return inverse === undefined ? undefined : reverseBoth(own(inverse));
    });
    return Promise.resolve(id === undefined ? undefined : new DeviceMatrix(id, n, n));
  }

  dispose(): void {
    liveMatrices.delete(this);
    drop(this.id);
  }
}
