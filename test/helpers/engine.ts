import { openEngine, type Engine } from '../../science/engine/index.js';

/**
 * Opens an engine for the tests of this file: `LLM_BARBER_ENGINE`, else the best that this machine has.
 * One process opens one engine, so a test file asks for one only.
 */
export async function openTestEngine(backend: 'auto' | 'tensorflow' | 'wasm' = 'auto'): Promise<Engine> {
  return openEngine({ backend });
}
