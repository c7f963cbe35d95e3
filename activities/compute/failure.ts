import { Fault, type FaultText } from '../../errors/fault.js';
import { withoutSecrets } from '../../errors/secrets.js';
import { EngineMemoryError, InternalError, SystemTroubleError } from '../errors.js';
import type { SerializedFault } from './messages.js';

/** Codes of system errors that may pass, so that a retry may succeed. */
const transientCodes = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY', 'ENOMEM', 'EROFS', 'ESTALE', 'ETIMEDOUT']);

/** Node reports ENOENT when it cannot create a folder and its parents on a read-only disk. No other cause gives ENOENT for `mkdir`. */
function isTransient({ code = '', syscall }: NodeJS.ErrnoException): boolean {
  return transientCodes.has(code) || (code === 'ENOENT' && syscall === 'mkdir');
}

/** Recognises TensorFlow's status RESOURCE_EXHAUSTED, or the message of its allocator. */
function isOutOfMemory({ message }: Error): boolean {
  return /Invalid TF_Status: 8\b|OOM when allocating/.test(message);
}

/** Turns any thrown value into one of the project's faults. */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (error instanceof Error && isTransient(error)) return new SystemTroubleError(error);
  if (error instanceof Error && isOutOfMemory(error)) return new EngineMemoryError(error);
  return new InternalError(error);
}

/** Turns a fault into a message between processes, without secrets. */
export function serializeFault(error: unknown): SerializedFault {
  const fault = asFault(error);
  const cause = fault.cause instanceof Error ? `\ncaused by ${fault.cause.stack ?? fault.cause.message}` : '';
  return {
    name: fault.name,
    message: withoutSecrets(fault.message),
    stack: withoutSecrets((fault.stack ?? '') + cause),
    retryable: fault.retryable,
    text: JSON.parse(withoutSecrets(JSON.stringify(fault.text))) as FaultText,
  };
}
