import { availableParallelism } from 'node:os';
import { EngineChoiceInvalid } from './errors.js';
import type { Precision } from './precision.js';

export type Backend = 'tensorflow' | 'wasm';

/** The engine that a pipeline or a test requests. */
export interface EngineRequest {
  /** `auto`: `LLM_BARBER_ENGINE` if set, else the fastest one that opens. */
  backend: 'auto' | Backend;
  /** Threads of one operation. Default: as many as this process may use. The wasm engine always has one. */
  threads?: number;
  /** Precision of matrix products; default `float32`. Only TensorFlow has others. */
  precision?: Precision;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** From fast to slow: `auto` takes the first one that opens. */
const bySpeed: readonly Backend[] = ['tensorflow', 'wasm'];

/**
 * Returns the backends to try, in order. The request has priority over the environment.
 * @throws {EngineChoiceInvalid} if `LLM_BARBER_ENGINE` is not the name of an engine
 */
export function candidates(request: EngineRequest, env: Environment = process.env): readonly Backend[] {
  if (request.backend !== 'auto') return [request.backend];
  if (precisionOf(request) !== 'float32') return ['tensorflow'];
  const asked = env['LLM_BARBER_ENGINE'] ?? '';
  if (asked === '' || asked === 'auto') return bySpeed;
  const known = bySpeed.find((backend) => backend === asked);
  if (known === undefined) {
    throw new EngineChoiceInvalid({
      what: `unknown engine "${asked}"`,
      where: 'environment variable LLM_BARBER_ENGINE',
      expected: `auto, ${bySpeed.join(' or ')}`,
    });
  }
  return [known];
}

/** @throws {EngineChoiceInvalid} if a precision is requested that WebAssembly does not have */
export function precisionOf({ backend, precision = 'float32' }: EngineRequest): Precision {
  if (backend === 'wasm' && precision !== 'float32') {
    throw new EngineChoiceInvalid({ what: `WebAssembly computes in float32, not in ${precision}`, where: 'engine.precision', expected: 'float32', remedy: 'Leave `engine.precision` out, or set `engine.backend: tensorflow`' });
  }
  return precision;
}

/**
 * Returns the number of threads for one operation: from the request, else from TensorFlow's own `TF_NUM_INTRAOP_THREADS`, else all.
 * @throws {EngineChoiceInvalid} if it is not a positive integer
 */
export function threadCount(request: EngineRequest, env: Environment = process.env): number {
  const variable = env['TF_NUM_INTRAOP_THREADS'] ?? '';
  const fromEnvironment = request.threads === undefined && variable !== '';
  const threads = request.threads ?? (fromEnvironment ? Number(variable) : availableParallelism());
  if (!Number.isInteger(threads) || threads < 1) {
    throw new EngineChoiceInvalid({
      what: `bad number of threads ${fromEnvironment ? `"${variable}"` : threads}`,
      where: fromEnvironment ? 'environment variable TF_NUM_INTRAOP_THREADS' : 'engine',
      expected: 'a whole number of at least 1',
    });
  }
  return threads;
}
