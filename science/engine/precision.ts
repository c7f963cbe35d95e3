import { EngineUnavailable } from './errors.js';

/** How the factors of matrix products are rounded before the multiplication. Sums and everything else are float32. */
export type Precision = 'float32' | 'tf32' | 'bfloat16';

type Environment = Record<string, string | undefined>;

/** Sets the environment variables that TensorFlow's libraries read while they load. */
export function setPrecision(precision: Precision, env: Environment = process.env): void {
  // Without the variable, cuBLAS uses TF32 if TensorFlow allows it, which is the default.
  if (precision === 'tf32') delete env['NVIDIA_TF32_OVERRIDE'];
  else env['NVIDIA_TF32_OVERRIDE'] = '0';
  if (precision === 'bfloat16') env['TF_SET_ONEDNN_FPMATH_MODE'] = 'BF16';
  else delete env['TF_SET_ONEDNN_FPMATH_MODE'];
  // These variables of oneDNN would change the bits of a float32 run.
  for (const name of ['ONEDNN_DEFAULT_FPMATH_MODE', 'DNNL_DEFAULT_FPMATH_MODE']) delete env[name];
}

/**
 * Checks what can be known without computing.
 *
 * @param device `kernels` as an engine names them (instruction-set.ts, gpu.ts)
 * @throws {EngineUnavailable} if such a device never has products of that precision
 */
export function checkPrecision(precision: Precision, { onGpu, kernels }: { onGpu: boolean; kernels: string }): void {
  if (precision === 'tf32') {
    const capability = Number(/compute capability (\d+)/.exec(kernels)?.[1] ?? 0);
    if (!onGpu) refuse(precision, `there is no GPU here, and processors have no TF32 (${kernels})`, 'a GPU with compute capability 8.0 or higher');
    if (capability < 8) refuse(precision, `this GPU has no TF32 (${kernels})`, 'a GPU with compute capability 8.0 or higher');
  }
  if (precision === 'bfloat16' && onGpu) refuse(precision, 'TensorFlow has no bfloat16 products of float32 matrices on a GPU', 'a processor, or `tf32`');
}

/** @throws {EngineUnavailable} always */
export function refuse(precision: Precision, what: string, expected: string): never {
  throw new EngineUnavailable({ what, where: `engine.precision: ${precision}`, expected, remedy: 'Set `engine.precision: float32`, or leave it out' });
}
