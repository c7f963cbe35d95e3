import { isClone, setUpCommand } from '#setup/paths.mjs';
import { candidates, precisionOf, threadCount, type Backend, type EngineRequest } from './choice.js';
import { EngineAlreadyOpen, EngineUnavailable } from './errors.js';
import { openNative } from './native.js';
import type { Precision } from './precision.js';
import { openWasm } from './wasm.js';

/** The engine of this process. Each field can change the bits of results, so all of them are part of a run's state. */
export interface Engine {
  backend: Backend;
  /** Versions, for example `tfjs 4.22.0, TensorFlow 2.21.0`. */
  version: string;
  /** For example `cpu` or `gpu: NVIDIA H100 80GB HBM3`. */
  device: string;
  /**
   * What determines the kernels: vector instructions, or compute capability, driver and libraries of a GPU.
   * Absent in records of earlier versions.
   */
  kernels?: string;
  /** Threads that one operation uses. */
  threads: number;
  /** Rounding of the factors of matrix products; absent for float32. */
  precision?: Exclude<Precision, 'float32'>;
}

const openers: Record<Backend, (threads: number, precision: Precision) => Promise<Engine>> = { tensorflow: openNative, wasm: openWasm };

let opened: Promise<Engine> | undefined;

/**
 * Opens the engine of this process. Call it before any tensor is made. If the requested engine is already open, returns it.
 * @throws {EngineChoiceInvalid} if the request or the environment is invalid
 * @throws {EngineUnavailable} if it cannot be opened on this machine, or has no products of the requested precision
 * @throws {EngineAlreadyOpen} if another engine is open in this process
 */
export async function openEngine(request: EngineRequest): Promise<Engine> {
  const choices = candidates(request);
  const threads = threadCount(request);
  const precision = precisionOf(request);
  if (opened === undefined) {
    opened = openFirst(choices, threads, precision);
    opened.catch(() => (opened = undefined));
    return opened;
  }
  const engine = await opened;
  const otherThreads = engine.backend !== 'wasm' && request.threads !== undefined && request.threads !== engine.threads;
  const { precision: open = 'float32' } = engine;
  if (!choices.includes(engine.backend) || otherThreads || open !== precision) {
    throw new EngineAlreadyOpen({
      what: `the engine ${choices.join(' or ')} with ${threads} threads in ${precision} was requested, but ${engine.backend} with ${engine.threads} threads in ${open} is already open`,
      where: `process ${process.pid}`,
      expected: 'one engine per process',
      remedy: 'Use another process',
    });
  }
  return engine;
}

async function openFirst(choices: readonly Backend[], threads: number, precision: Precision): Promise<Engine> {
  const failures: Error[] = [];
  for (const backend of choices) {
    try {
      return await openers[backend](threads, precision);
    } catch (error) {
      // The engine opened but lacks the requested precision, so set-up cannot help.
      if (error instanceof EngineUnavailable) throw error;
      failures.push(error instanceof Error ? error : new Error(String(error)));
    }
  }
  const reasons = failures.map((failure, i) => `${choices[i]} cannot be opened (${firstSentence(failure)})`);
  throw new EngineUnavailable(
    {
      what: reasons.join('; '),
      where: 'engine',
      remedy: `Run \`${setUpCommand}\`${isClone ? ' in the folder of llm-barber-pipeline' : ''} to build what is missing; \`temporal-pipeline doctor\` says what that is`,
    },
    { cause: failures[0] },
  );
}

function firstSentence(failure: Error): string {
  return (failure.message.split('\n')[0] ?? '').replace(/[\s.]+$/, '');
}
