import { createRequire } from 'node:module';
import { tf } from './tensorflow.js';

export interface EngineRequest {
  backend: 'auto' | 'tensorflow' | 'wasm';
  threads?: number;
}

export interface Engine {
  backend: 'tensorflow' | 'wasm';
  /** Versions that can change bits, for instance `tfjs 4.22.0, TensorFlow 2.21.0`. */
  version: string;
  /** For instance `cpu` or `gpu: NVIDIA H100 80GB HBM3`. */
  device: string;
  threads: number;
}

/** Opens the backend of this process. Call once, before any tensor is made. */
export async function openEngine(request: EngineRequest): Promise<Engine> {
  const require = createRequire(import.meta.url);
  const tensorflow = require('@tensorflow/tfjs-node-gpu') as { version: Record<string, string> };
  await tf.ready();
  return { backend: 'tensorflow', version: `tfjs ${tensorflow.version['tfjs']}`, device: 'cpu', threads: request.threads ?? 2 };
}
