/**
 * Opens `@tensorflow/tfjs-backend-wasm`, which needs only Node.
 * It has the same operations and gradients as the native engine, but is slow: one thread, about a fifth of the products per second.
 */
import { requirePackage } from '#setup/paths.mjs';
import type { Engine } from './open.js';
import { tf } from './tensorflow.js';

export async function openWasm(): Promise<Engine> {
  const { version_wasm: version } = requirePackage('@tensorflow/tfjs-backend-wasm') as { version_wasm: string };
  await withoutNewListeners(async () => {
    if (!(await tf.setBackend('wasm'))) throw new Error('the WebAssembly module did not start');
  });
  // The backend has no threads under Node, whatever is requested.
  return { backend: 'wasm', version: `tfjs ${tf.version.tfjs}, wasm ${version}`, device: 'cpu', kernels: (await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')) === true ? 'simd' : 'no simd', threads: 1 };
}

/** Removes the process-wide handlers that Emscripten adds, which would turn every unhandled rejection into a crash of its own. */
async function withoutNewListeners(action: () => Promise<void>): Promise<void> {
  const events = ['uncaughtException', 'unhandledRejection'];
  const before = new Map(events.map((event) => [event, new Set(process.rawListeners(event))]));
  await action();
  for (const [event, known] of before) {
    for (const listener of process.rawListeners(event)) {
      if (!known.has(listener)) process.removeListener(event, listener as () => void);
    }
  }
}
