/**
 * Bit operations of TensorFlow that TensorFlow.js does not offer. Only for the `tensorflow` backend.
 *
 * On a GPU, TensorFlow compares and sums int32 on the host. So these functions return bits as integers in float32, or packed.
 */
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { tf } from './tensorflow.js';

export interface OpAttribute {
  name: string;
  type: number;
  value: number | boolean;
}

interface OpOutput {
  id: number;
  shape: number[];
  dtype: number;
}

interface NativeBackend {
  isUsingGpuDevice: boolean;
  binding: {
    TF_ATTR_TYPE: number;
    TF_ATTR_BOOL: number;
    TF_ATTR_INT: number;
    TF_FLOAT: number;
    TF_INT32: number;
    TF_BOOL: number;
    TF_UINT8: number;
    createTensor: (shape: number[], dtype: number, values: Uint8Array | Int32Array | Float32Array) => number;
    tensorDataSync: (id: number) => Int32Array;
    deleteTensor: (id: number) => void;
    executeOp: (name: string, attributes: OpAttribute[], inputs: number[], outputs: number) => OpOutput[];
  };
  executeSingleOutput: (name: string, attributes: OpAttribute[], inputs: Tensor[]) => Tensor;
  createOutputTensor: (output: OpOutput) => Tensor;
  getInputTensorIds: (tensors: Tensor[]) => number[];
}

/** TensorFlow's numbers for dtypes that the binding does not name. */
const dtypes = { bfloat16: 14, float16: 19 } as const;

/** Number of bits in the lower and in the higher digit of a magnitude. */
export const lowBits = 15;
export const highBits = 16;

/** Whether the current engine has these operations. */
export function hasDeviceOps(): boolean {
  return tf.getBackend() === 'tensorflow';
}

let selection: 'host' | 'device' | undefined;

/**
 * Sets where masks are selected. Both places give the same masks, so this is only for tests and benchmarks.
 *
 * @param place undefined: on the GPU if there is one, else on the host, which is several times faster than TensorFlow on a CPU
 */
export function selectOn(place: typeof selection): void {
  selection = place;
}

/** Whether masks are selected on the device, from scores in device memory. */
export function selectsOnDevice(): boolean {
  return hasDeviceOps() && (selection === undefined ? native().isUsingGpuDevice : selection === 'device');
}

/**
 * Splits the bits of float32 magnitudes into two integers: `high` in [0, 2^16), `low` in [0, 2^15). Both are exact in float32, and
 * neither is a denormal, which kernels may treat as zero.
 */
export function magnitudeDigits<T extends Tensor>(values: T): { high: T; low: T } {
  return tf.tidy(() => {
    const magnitude = int32Op('BitwiseAnd', bitcast(values), 0x7fffffff);
    const high = tf.cast(int32Op('RightShift', magnitude, lowBits), 'float32') as T;
    const low = tf.cast(int32Op('BitwiseAnd', magnitude, (1 << lowBits) - 1), 'float32') as T;
    return { high, low };
  });
}

/**
 * Packs a mask into bits: element i is bit `i % 32` of word `floor(i / 32)`. The last word is padded with zeros.
 *
 * @param mask float32 of 0 and 1, any shape
 * @returns int32 `[ceil(size / 32)]`
 */
export function packBits(mask: Tensor): Tensor {
  return tf.tidy(() => {
    const padding = (32 - (mask.size % 32)) % 32;
    const flat = tf.pad(tf.reshape(mask, [mask.size]), [[0, padding]]);
    // Half words of 16 bits are exact in float32, whatever the precision of the product's inputs.
    const powers = tf.tensor2d(Float32Array.from({ length: 16 }, (_, bit) => 2 ** bit), [16, 1]);
    const halves = tf.cast(tf.reshape(tf.matMul(tf.reshape<Tensor2D['rankType']>(flat, [-1, 16]), powers), [-1, 2]), 'int32');
    const [low, high] = tf.unstack(halves, 1);
    return nativeOp('BitwiseOr', [low, int32Op('LeftShift', high, 16)]);
  });
}

/**
 * Unpacks the bits of a mask, the reverse of {@link packBits}.
 *
 * @param bits as bytes: element i is bit `i % 8` of byte `floor(i / 8)`, as in mask files. Padding bytes after the last element may be
 *   missing and are ignored.
 * @returns float32 of 0 and 1
 */
export function unpackBits<T extends Tensor>(bits: Uint8Array, shape: number[]): T {
  const size = shape.reduce((product, length) => product * length, 1);
  const words = new Int32Array(Math.ceil(size / 32));
  new Uint8Array(words.buffer).set(bits.subarray(0, Math.ceil(size / 8)));
  return tf.tidy(() => {
    const positions = tf.tensor2d(Int32Array.from({ length: 32 }, (_, bit) => bit), [1, 32]);
    const shifted = nativeOp('RightShift', [tf.tensor2d(words, [words.length, 1]), positions]);
    const all = tf.cast(int32Op('BitwiseAnd', shifted, 1), 'float32');
    return tf.reshape(tf.slice(tf.reshape(all, [words.length * 32]), 0, size), shape) as T;
  });
}

/** Packs a mask and returns its bytes for {@link unpackBits}, without the padding of the last word. */
export function downloadBits(mask: Tensor): Uint8Array {
  const words = packBits(mask);
  const { buffer, byteOffset } = words.dataSync<'int32'>();
  words.dispose();
  return new Uint8Array(buffer, byteOffset, Math.ceil(mask.size / 8));
}

/**
 * Converts 16-bit floats to float32 on the device, so that only 16 bits per value are transferred.
 *
 * @param bytes little-endian, two per value
 */
export function widenFrom16(bytes: Uint8Array, type: keyof typeof dtypes, shape: number[]): Tensor {
  const { binding, createOutputTensor } = native();
  const attribute = (name: string, value: number): OpAttribute => ({ name, type: binding.TF_ATTR_TYPE, value });
  const raw = binding.createTensor([...shape, 2], binding.TF_UINT8, bytes);
  const [narrow] = binding.executeOp('Bitcast', [attribute('T', binding.TF_UINT8), attribute('type', dtypes[type])], [raw], 1);
  binding.deleteTensor(raw);
  const truncate = { name: 'Truncate', type: binding.TF_ATTR_BOOL, value: false };
  const [wide] = binding.executeOp('Cast', [attribute('SrcT', dtypes[type]), attribute('DstT', binding.TF_FLOAT), truncate], [narrow.id], 1);
  binding.deleteTensor(narrow.id);
  return createOutputTensor.call(native(), wide);
}

/** The identity matrix, `[size, size]`, made on the device. (TensorFlow.js makes it on the host.) */
export function eye(size: number): Tensor2D {
  if (!hasDeviceOps()) return tf.eye(size);
  const { TF_ATTR_TYPE, TF_FLOAT } = native().binding;
  return tf.tidy(() => native().executeSingleOutput('MatrixDiag', [{ name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT }], [tf.fill([size], 1)]) as Tensor2D);
}

/** The diagonal of a square matrix, `[size]`. */
export function diagonalOf(matrix: Tensor2D): Tensor1D {
  return tf.tidy(() => matrix.mul(eye(matrix.shape[0])).sum<Tensor1D>(0));
}

/** The backend, typed with the part of its binding that runs TensorFlow's own operations. */
export function native(): NativeBackend {
  return tf.backend() as unknown as NativeBackend;
}

/** TensorFlow's own id of a tensor. The tensor remains the owner. */
export function idOf(tensor: Tensor): number {
  return native().getInputTensorIds([tensor])[0];
}

/** Makes a float32 tensor from TensorFlow's own id. The tensor becomes the owner. */
export function float32From<T extends Tensor>(id: number, shape: number[]): T {
  return native().createOutputTensor({ id, shape, dtype: native().binding.TF_FLOAT }) as T;
}

function bitcast(values: Tensor): Tensor {
  const { binding } = native();
  const attribute = (name: string, value: number): OpAttribute => ({ name, type: binding.TF_ATTR_TYPE, value });
  return native().executeSingleOutput('Bitcast', [attribute('T', binding.TF_FLOAT), attribute('type', binding.TF_INT32)], [values]);
}

function int32Op(name: string, values: Tensor, operand: number): Tensor {
  return nativeOp(name, [values, tf.scalar(operand, 'int32')]);
}

function nativeOp(name: string, inputs: Tensor[]): Tensor {
  const { binding } = native();
  return native().executeSingleOutput(name, [{ name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 }], inputs);
}
