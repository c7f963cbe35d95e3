/**
 * Opens `@tensorflow/tfjs-node-gpu`, which set-up has linked against a TensorFlow wheel.
 * Guarantees: no log noise, the requested number of threads and precision of products, the same bits in every process.
 * TensorFlow reads its settings from the environment while its library loads, so they are set just before that.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { requirePackage, resolvePackage } from '#setup/paths.mjs';
import { currentGpu } from './gpu.js';
import { instructionSet } from './instruction-set.js';
import { counting } from './ledger.js';
import type { Engine } from './open.js';
import { checkPrecision, setPrecision, type Precision } from './precision.js';
import { checkRounding } from './precision-probe.js';
import { tf } from './tensorflow.js';

const require = createRequire(import.meta.url);

/** The part of the backend that describes it. */
interface NativeBackend {
  isUsingGpuDevice: boolean;
  binding: { TF_Version: string } & Parameters<typeof counting>[0];
}

/** @throws {EngineUnavailable} if the device has no products of that precision */
export async function openNative(threads: number, precision: Precision): Promise<Engine> {
  process.env['TF_NUM_INTRAOP_THREADS'] = String(threads);
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '3';
  process.env['TF_DETERMINISTIC_OPS'] = '1';
  // By default, TensorFlow uses oneDNN only on processors with instructions for neural networks. But it is faster on all, also because
  // TensorFlow then keeps freed memory for the next tensors (docs/performance.md).
  if (process.arch === 'x64') process.env['TF_ENABLE_ONEDNN_OPTS'] = '1';
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  setPrecision(precision);
  restoreUtil();
  quietLog();
  requirePackage('@tensorflow/tfjs-node-gpu');
  await tf.ready();
  const backend = tf.backend() as unknown as NativeBackend;
  backend.binding = counting(backend.binding);
  const gpu = backend.isUsingGpuDevice ? currentGpu() : undefined;
  const kernels = gpu === undefined ? instructionSet() : gpu.kernels;
  checkPrecision(precision, { onGpu: gpu !== undefined, kernels });
  await checkRounding(precision, kernels);
  return {
    backend: 'tensorflow',
    version: `tfjs ${tf.version.tfjs}, TensorFlow ${backend.binding.TF_Version}`,
    device: gpu === undefined ? 'cpu' : `gpu: ${gpu.name}`,
    kernels,
    threads,
    ...(precision !== 'float32' && { precision }),
  };
}

/** Restores a helper that the binding still calls and that Node 23 removed. */
function restoreUtil(): void {
  const util = require('node:util') as { isNullOrUndefined?: (value: unknown) => boolean };
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
}

/** Loads an addon, built by set-up, that silences TensorFlow: it writes to stderr while it loads, before it reads any setting. */
function quietLog(): void {
  const addon = join(dirname(resolvePackage('@tensorflow/tfjs-node-gpu/package.json')), 'lib', 'quiet-log.node');
  if (existsSync(addon)) process.dlopen({ exports: {} }, addon, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL);
}
