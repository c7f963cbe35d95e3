import { refuse, type Precision } from './precision.js';
import { tf } from './tensorflow.js';

/** Becomes 1 when rounded to 10 bits or fewer. */
const almostOne = 1 + 2 ** -12;
const probeSize = 256;

/**
 * Checks by a matrix product that the engine rounds to the precision. Libraries without a kernel for it silently compute in float32. The names
 * of instruction sets do not tell: oneDNN has bfloat16 kernels for AMX, but not for every processor with AVX-512 BF16.
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
