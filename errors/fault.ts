/**
 * The two kinds of failure that a pipeline knows. Every folder has its own `errors.ts` with
 * subclasses that say when they are thrown; this file only says what they share.
 */

/** The parts of an error message. */
export interface FaultText {
  /** What is wrong, with the offending value. */
  what: string;
  /** File (and line, tensor, layer, ...) where it was found. */
  where?: string;
  /** What was expected instead. */
  expected?: string;
  /** What to do about it, in the imperative. */
  remedy?: string;
}

function sentence({ what, where, expected, remedy }: FaultText): string {
  const head = where === undefined ? what : `${where}: ${what}`;
  const middle = expected === undefined ? '' : `; expected ${expected}`;
  return `${head}${middle}.${remedy === undefined ? '' : ` ${remedy}${remedy.endsWith('.') ? '' : '.'}`}`;
}

/** Base class of all errors that are thrown on purpose. `name` is the error type in Temporal histories, so it must not change. */
export abstract class Fault extends Error {
  /** Whether a retry with the same input may succeed. */
  abstract readonly retryable: boolean;

  constructor(
    readonly text: FaultText,
    options?: ErrorOptions,
  ) {
    super(sentence(text), options);
    this.name = new.target.name;
  }
}

/** Bad config, corrupt checkpoint, NaN, wrong shape: fails at once, and a retry with the same input would fail again. */
export abstract class PermanentFault extends Fault {
  readonly retryable = false;
}

/** Killed process, lost connection, full disk: the same work is retried. */
export abstract class TransientFault extends Fault {
  readonly retryable = true;
}

/** Returns the message of a `fetch` error's cause. The error itself only says that `fetch` failed. */
export function fetchFailure(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return inner instanceof Error ? inner.message : String(inner);
}
