import { openEngine, type Engine } from '../../science/engine/index.js';

/**
 * Opens an engine for the tests of a file: the one of `LLM_BARBER_ENGINE`, or else the best of this machine.
 * A process opens only one engine, so a test file must ask for only one.
 */
export async function openTestEngine(backend: 'auto' | 'tensorflow' | 'wasm' = 'auto'): Promise<Engine> {
  return openEngine({ backend });
}
