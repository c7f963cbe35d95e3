/**
 * TensorFlow's operations by its own ids of tensors: on float64, a dtype that TensorFlow.js does not have, and on other types.
 * Only for the `tensorflow` backend. The caller owns the results.
 */
import { native, type OpAttribute } from './device-ops.js';

/** TensorFlow's number for float64, which the binding does not name. */
const float64 = 2;

/** Runs some work, then deletes every tensor that was marked with `own`, even if the work fails. */
export function owning<T>(work: (own: (id: number) => number) => T): T {
  const owned: number[] = [];
  try {
    return work((id) => {
      owned.push(id);
      return id;
    });
  } finally {
    owned.forEach(drop);
  }
}

export function drop(id: number): void {
  native().binding.deleteTensor(id);
}

export type Dtype = 'float64' | 'float32' | 'int32' | 'bool';

function numberOf(dtype: Dtype): number {
  const { TF_FLOAT, TF_INT32, TF_BOOL } = native().binding;
  return { float64, float32: TF_FLOAT, int32: TF_INT32, bool: TF_BOOL }[dtype];
}

/** Runs an operation with float64 as its type T. */
export function op(name: string, inputs: number[], ...more: OpAttribute[]): number {
  return opOf('float64', name, inputs, ...more);
}

/** Runs an operation with one output. @param dtype its type T */
export function opOf(dtype: Dtype, name: string, inputs: number[], ...more: OpAttribute[]): number {
  return native().binding.executeOp(name, [type('T', numberOf(dtype)), ...more], inputs, 1)[0].id;
}

export function flag(name: string, value: boolean): OpAttribute {
  return { name, type: native().binding.TF_ATTR_BOOL, value };
}

/** Attribute that sets the type of indices to int32. */
export function indices(name: string): OpAttribute {
  return type(name, native().binding.TF_INT32);
}

function type(name: string, value: number): OpAttribute {
  return { name, type: native().binding.TF_ATTR_TYPE, value };
}

export function int32(values: number[], shape = [values.length]): number {
  const { binding } = native();
  return binding.createTensor(shape, binding.TF_INT32, Int32Array.from(values));
}

/** Converts between types. float64 is rounded to float32. */
export function convert(id: number, from: Dtype, to: Dtype): number {
  return native().binding.executeOp('Cast', [type('SrcT', numberOf(from)), type('DstT', numberOf(to)), flag('Truncate', false)], [id], 1)[0].id;
}

/** Uploads float64 values as pairs of int32 with the same bits, because the binding does not accept float64. */
export function upload(values: Float64Array, shape: number[]): number {
  const { binding } = native();
  const pairs = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  return owning((own) => bitcast(own(binding.createTensor([...shape, 2], binding.TF_INT32, pairs)), binding.TF_INT32, float64));
}

export function download(id: number): Float64Array {
  const { binding } = native();
  return owning((own) => {
    const { buffer, byteOffset, byteLength } = binding.tensorDataSync(own(bitcast(id, float64, binding.TF_INT32)));
    return byteOffset % 8 === 0 ? new Float64Array(buffer, byteOffset, byteLength / 8) : new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength));
  });
}

function bitcast(id: number, from: number, to: number): number {
  return native().binding.executeOp('Bitcast', [type('T', from), type('type', to)], [id], 1)[0].id;
}

export function fill(value: number, shape: [number, number]): number {
  return owning((own) => op('Fill', [own(int32(shape)), own(upload(Float64Array.of(value), []))], indices('index_type')));
}

/** Makes a diagonal matrix. */
export function diagonal(values: Float64Array): number {
  return owning((own) => op('MatrixDiag', [own(upload(values, [values.length]))]));
}

export function diagonalOf(id: number): Float64Array {
  return owning((own) => download(own(op('MatrixDiagPart', [id]))));
}

export function slice(id: number, begin: [number, number], size: [number, number]): number {
  return owning((own) => op('Slice', [id, own(int32(begin)), own(int32(size))], indices('Index')));
}

export function concat(parts: number[], axis: 0 | 1): number {
  const { binding } = native();
  return owning((own) => op('ConcatV2', [...parts, own(binding.createTensor([], binding.TF_INT32, Int32Array.of(axis)))], { name: 'N', type: binding.TF_ATTR_INT, value: parts.length }, indices('Tidx')));
}

/** `a b`, or `a b^T`. */
export function matMul(a: number, b: number, transposed = false): number {
  return op('MatMul', [a, b], flag('transpose_a', false), flag('transpose_b', transposed));
}

/** Reverses the order of rows and of columns. */
export function reverseBoth(id: number): number {
  return owning((own) => op('ReverseV2', [id, own(int32([0, 1]))], indices('Tidx')));
}
