import type { Tensor2D } from '@tensorflow/tfjs';
import { float32From, idOf, native, type OpAttribute } from './device-ops.js';
import type { Float64Matrix, InverseFactor } from './float64.js';
import { isPivot } from './float64-pivot.js';

/** TensorFlow's number of float64, for which the binding has no name. */
const double = 2;

/** A matrix that TensorFlow holds in float64. Every operation is one of TensorFlow's own, so nothing leaves the device but what is asked for. */
export class DeviceMatrix implements Float64Matrix {
  /** @param id of TensorFlow's tensor; the matrix's own from now on */
  private constructor(private id: number, readonly rows: number, readonly columns: number) {}

  static of(values: Float64Array, rows: number, columns: number): DeviceMatrix {
    return new DeviceMatrix(upload(values, [rows, columns]), rows, columns);
  }

  static zeros(rows: number, columns: number): DeviceMatrix {
    return new DeviceMatrix(owning((own) => op('Fill', [type('T', double), type('index_type', native().binding.TF_INT32)], [own(int32([rows, columns])), own(upload(Float64Array.of(0), []))])), rows, columns);
  }

  add(values: Tensor2D): void {
    const sum = owning((own) => op('AddV2', [type('T', double)], [this.id, own(cast(idOf(values), 'up'))]));
    this.dispose();
    this.id = sum;
  }

  toFloat32(): Tensor2D {
    return float32From(cast(this.id, 'down'), [this.rows, this.columns]);
  }

  values(): Promise<Float64Array> {
    return Promise.resolve(download(this.id));
  }

  diagonal(): Promise<Float64Array> {
    return Promise.resolve(owning((own) => download(own(op('MatrixDiagPart', [type('T', double)], [this.id])))));
  }

  isFinite(): Promise<boolean> {
    // NaN and infinity stay what they are in a sum.
    const [sum] = owning((own) => download(own(op('Sum', [type('T', double), type('Tidx', native().binding.TF_INT32), flag('keep_dims', false)], [this.id, own(int32([0, 1]))]))));
    return Promise.resolve(Number.isFinite(sum));
  }

  inverseFactor({ diagonal, divisor = 1, triangle }: InverseFactor): Promise<DeviceMatrix | undefined> {
    const n = this.rows;
    const id = owning((own) => {
      const turned = (matrix: number): number => op('ReverseV2', [type('Tidx', native().binding.TF_INT32), type('T', double)], [matrix, own(int32([0, 1]))]);
      const scaled = own(op('RealDiv', [type('T', double)], [this.id, own(upload(Float64Array.of(divisor), []))]));
      const a = own(op('MatrixSetDiag', [type('T', double)], [scaled, own(upload(diagonal, [n]))]));
      // Turned end for end, A = R R^T with an upper R becomes a Cholesky factorisation, and F = R^-1.
      const lower = choleskyOf(triangle === 'upper' ? own(turned(a)) : a);
      if (lower === undefined) return undefined;
      own(lower);
      const pivots = download(own(op('MatrixDiagPart', [type('T', double)], [lower])));
      const elements = triangle === 'upper' ? diagonal.slice().reverse() : diagonal;
      if (!pivots.every((pivot, i) => isPivot(pivot ** 2, elements[i], n))) return undefined;
      const identity = own(op('MatrixDiag', [type('T', double)], [own(upload(new Float64Array(n).fill(1), [n]))]));
      const inverse = op('MatrixTriangularSolve', [flag('lower', true), flag('adjoint', false), type('T', double)], [lower, identity]);
      return triangle === 'upper' ? turned(own(inverse)) : inverse;
    });
    return Promise.resolve(id === undefined ? undefined : new DeviceMatrix(id, n, n));
  }

  dispose(): void {
    native().binding.deleteTensor(this.id);
  }
}

/** Undefined, or NaN somewhere in it, where there is none: which of both depends on the device. */
function choleskyOf(id: number): number | undefined {
  try {
    return op('Cholesky', [type('T', double)], [id]);
  } catch (error) {
    if (error instanceof Error && /Cholesky decomposition was not successful/.test(error.message)) return undefined;
    throw error;
  }
}

/** Does some work on tensors that outlast no more than it. */
function owning<T>(work: (own: (id: number) => number) => T): T {
  const owned: number[] = [];
  try {
    return work((id) => {
      owned.push(id);
      return id;
    });
  } finally {
    for (const id of owned) native().binding.deleteTensor(id);
  }
}

function op(name: string, attributes: OpAttribute[], inputs: number[]): number {
  return native().binding.executeOp(name, attributes, inputs, 1)[0].id;
}

function type(name: string, value: number): OpAttribute {
  return { name, type: native().binding.TF_ATTR_TYPE, value };
}

function flag(name: string, value: boolean): OpAttribute {
  return { name, type: native().binding.TF_ATTR_BOOL, value };
}

function int32(values: number[]): number {
  const { binding } = native();
  return binding.createTensor([values.length], binding.TF_INT32, Int32Array.from(values));
}

/** Widens float32 to float64, or rounds float64 to float32. */
function cast(id: number, way: 'up' | 'down'): number {
  const single = native().binding.TF_FLOAT;
  const [from, to] = way === 'up' ? [single, double] : [double, single];
  return op('Cast', [type('SrcT', from), type('DstT', to), flag('Truncate', false)], [id]);
}

/** The binding passes no float64: its bits go as pairs of int32. */
function upload(values: Float64Array, shape: number[]): number {
  const { binding } = native();
  const pairs = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  return owning((own) => op('Bitcast', [type('T', binding.TF_INT32), type('type', double)], [own(binding.createTensor([...shape, 2], binding.TF_INT32, pairs))]));
}

function download(id: number): Float64Array {
  const { binding } = native();
  return owning((own) => {
    const { buffer, byteOffset, byteLength } = binding.tensorDataSync(own(op('Bitcast', [type('T', double), type('type', binding.TF_INT32)], [id])));
    return byteOffset % 8 === 0 ? new Float64Array(buffer, byteOffset, byteLength / 8) : new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength));
  });
}
