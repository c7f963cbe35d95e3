import { existsSync } from 'node:fs';
import { openEngine, type Engine } from '../../engine/index.js';

/** Whether set-up has linked the `tensorflow` engine; its tests are skipped on machines that can only have `wasm`. */
export const tensorflowLinked = existsSync('node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node');

/**
 * Opens an engine for the tests of this file: `LLM_BARBER_ENGINE`, else the best that this machine has.
 * One process opens one engine, so a test file asks for one only.
 */
export async function openTestEngine(backend: 'auto' | 'tensorflow' | 'wasm' = 'auto'): Promise<Engine> {
  return openEngine({ backend });
}
