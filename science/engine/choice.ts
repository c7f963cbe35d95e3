import { availableParallelism } from 'node:os';
import { EngineChoiceInvalid } from './errors.js';
import type { Precision } from './precision.js';

export type Backend = 'tensorflow' | 'wasm';

/** What a pipeline or a test asks for. */
export interface EngineRequest {
  /** `auto`: `LLM_BARBER_ENGINE` if set, else the fastest that opens. Anything else is taken as it stands. */
  backend: 'auto' | Backend;
  /** Threads of one operation; as many as this process may use unless given. The wasm engine always has one. */
  threads?: number;
  /** Of matrix products; `float32` where absent. Only TensorFlow has others. */
  precision?: Precision;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** From fast to slow: `auto` takes the first that opens. */
const bySpeed: readonly Backend[] = ['tensorflow', 'wasm'];

/**
 * Backends to try, in this order. A request's own choice beats the environment.
 * @throws {EngineChoiceInvalid} where `LLM_BARBER_ENGINE` names no engine
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

/** @throws {EngineChoiceInvalid} where WebAssembly is asked for what it does not have */
export function precisionOf({ backend, precision = 'float32' }: EngineRequest): Precision {
  if (backend === 'wasm' && precision !== 'float32') {
    throw new EngineChoiceInvalid({ what: `WebAssembly computes in float32, not in ${precision}`, where: 'engine.precision', expected: 'float32', remedy: 'Leave `engine.precision` out, or set `engine.backend: tensorflow`' });
  }
  return precision;
}

/**
 * Threads that one operation may use: the request's, else TensorFlow's own `TF_NUM_INTRAOP_THREADS`, else all there are.
 * @throws {EngineChoiceInvalid} if that is not a positive whole number
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
