import { refuse, type Precision } from './precision.js';
import { tf } from './tensorflow.js';

/** Rounded to 10 bits or fewer, it is 1. */
const almostOne = 1 + 2 ** -12;
const probeSize = 256;

/**
 * Multiplies two matrices, because libraries compute in float32 where they have no kernel for the precision, and do not say so. The names of
 * instruction sets are no guide: oneDNN has bfloat16 kernels for AMX, but not for every processor with AVX-512 BF16.
 *
 * @throws {EngineUnavailable} if the factors were not rounded
 */
export async function checkRounding(precision: Precision, kernels: string): Promise<void> {
  if (precision === 'float32') return;
  const product = tf.tidy(() => tf.matMul(tf.fill([probeSize, probeSize], almostOne), tf.ones([probeSize, probeSize])));
  const [first] = await product.data();
  product.dispose();
  if (first !== probeSize) refuse(precision, `TensorFlow computes it in float32 here (${kernels})`, precision === 'tf32' ? 'a GPU with TF32' : 'a processor with AMX');
}
