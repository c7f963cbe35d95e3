/**
 * Batched matrix products on a CPU, such as those of attention heads. TensorFlow's own kernel computes them matrix by matrix with Eigen. Its
 * builds for x86 also have oneDNN's kernel, which is 1.4 to 3.5 times as fast for attention (docs/performance.md). TensorFlow uses it by
 * itself in graphs, but for single operations it must be called by name.
 */
import type { BatchMatMulAttrs, BatchMatMulInputs, KernelConfig, Tensor } from '@tensorflow/tfjs';
import { tf } from './tensorflow.js';

const [kernelName, backendName] = ['BatchMatMul', 'tensorflow'];
/** Products with fewer multiplications take as long with either kernel. */
const minMultiplications = 2 ** 18;

interface Attribute {
  name: string;
  type: number;
  value: number | boolean | string;
}

interface CpuBackend {
  binding: { TF_ATTR_TYPE: number; TF_ATTR_BOOL: number; TF_ATTR_STRING: number; TF_FLOAT: number };
  executeSingleOutput: (name: string, attributes: Attribute[], inputs: Tensor[]) => Tensor;
}

/** Makes `tf.matMul` use oneDNN's kernel for batches of matrices, if this build of TensorFlow has it. Only for a CPU. */
export function useFastBatchProducts(): void {
  const kernel = tf.getKernel(kernelName, backendName);
  if (!hasKernel()) return;
  const kernelFunc: KernelConfig['kernelFunc'] = (call) => {
    const { a, b } = call.inputs as BatchMatMulInputs as { a: Tensor; b: Tensor };
    const attributes = call.attrs as unknown as BatchMatMulAttrs;
    return isLargeBatch(a, b, attributes) ? product(a, b, attributes) : kernel.kernelFunc(call);
  };
  tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({ ...kernel, kernelFunc });
}

function isLargeBatch({ shape, size, dtype }: Tensor, b: Tensor, { transposeB }: BatchMatMulAttrs): boolean {
  const matrices = shape.slice(0, -2).reduce((product, width) => product * width, 1);
  return dtype === 'float32' && matrices > 1 && size * (b.shape.at(transposeB ? -2 : -1) ?? 0) >= minMultiplications;
}

function product(a: Tensor, b: Tensor, { transposeA, transposeB }: BatchMatMulAttrs): Tensor {
  const { binding: { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_ATTR_STRING, TF_FLOAT }, executeSingleOutput } = tf.backend() as unknown as CpuBackend;
  return executeSingleOutput.call(tf.backend(), '_MklBatchMatMulV2', [
    { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: 'adj_x', type: TF_ATTR_BOOL, value: transposeA },
    { name: 'adj_y', type: TF_ATTR_BOOL, value: transposeB },
    // Kernels that only graphs choose are registered under this label.
    { name: '_kernel', type: TF_ATTR_STRING, value: 'MklNameChangeOp' },
  ], [a, b]);
}

/** Tries a product of two ones. */
function hasKernel(): boolean {
  try {
    return tf.tidy(() => product(tf.ones([2, 1, 1]), tf.ones([2, 1, 1]), { transposeA: false, transposeB: false }).dataSync()[1] === 1);
  } catch {
    return false;
  }
}
