/** Program: opens the engine that its argument names, computes once, and prints the outcome as one line of JSON. */
import { openEngine, tf, type EngineRequest } from '../../../science/engine/index.js';
import { Fault } from '../../../errors/fault.js';
import type { Probe } from './probe.js';

async function open(backend: EngineRequest['backend']): Promise<Probe> {
  try {
    const engine = await openEngine({ backend });
    const product = tf.matMul(tf.ones([2, 2]), tf.ones([2, 2])).dataSync();
    if (product.some((value) => value !== 2)) return { problem: `a product of ones is ${product.join(', ')} instead of 2` };
    return { engine };
  } catch (error) {
    if (error instanceof Fault) return { problem: error.text.what };
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

console.log(JSON.stringify(await open(process.argv[2] as EngineRequest['backend'])));
