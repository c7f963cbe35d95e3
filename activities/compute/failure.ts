import { Fault, type FaultText } from '../../errors/fault.js';
import { withoutSecrets } from '../../errors/secrets.js';
import { EngineMemoryError, InternalError, SystemTroubleError } from '../errors.js';
import type { SerializedFault } from './messages.js';

/** System errors after which the same work may well succeed. */
const passingCodes = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY', 'ENOMEM', 'EROFS', 'ESTALE', 'ETIMEDOUT']);

/** Node says ENOENT for a folder that it cannot make, with all above it, because the disk is read-only; nothing else leads to that. */
function isPassing({ code = '', syscall }: NodeJS.ErrnoException): boolean {
  return passingCodes.has(code) || (code === 'ENOENT' && syscall === 'mkdir');
}

/** TensorFlow's status RESOURCE_EXHAUSTED, or its allocator's words. */
function isOutOfMemory({ message }: Error): boolean {
  return /Invalid TF_Status: 8\b|OOM when allocating/.test(message);
}

/** Turns every thrown value into one of the project's faults. */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (error instanceof Error && isPassing(error)) return new SystemTroubleError(error);
  if (error instanceof Error && isOutOfMemory(error)) return new EngineMemoryError(error);
  return new InternalError(error);
}

/** A fault as a message between processes. */
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
