import { exitCode } from './exit-codes.js';
import { Interrupted } from './errors.js';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Interrupts {
  /** Aborts with {@link Interrupted} on the first Ctrl-C, SIGTERM or SIGHUP. */
  signal: AbortSignal;
  dispose(): void;
}

/**
 * Turns the first signal into an abort, so that a command can end gracefully. The second signal ends the process at once, after `atOnce`.
 */
export function catchInterrupts(atOnce: () => void = () => undefined): Interrupts {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      atOnce();
      process.exit(exitCode.interrupted);
    }
    controller.abort(new Interrupted());
  };
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    dispose: () => {
      for (const name of signals) process.off(name, onSignal);
    },
  };
}

/** Returns the result of `work`. If the signal aborts first, throws the signal's reason. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  // After an abort nobody waits for the work, so it may fail.
  work.catch(() => undefined);
  signal.throwIfAborted();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    work.catch(() => undefined);
  }
}
