import { bytesText } from '../../errors/bytes-text.js';
import { TransientFault, PermanentFault, type FaultText } from '../../errors/fault.js';

/** The hub does not answer, the connection was cut, or the hub has a problem of its own (5xx, too many requests). */
export class HubUnreachableError extends TransientFault {}

/** The hub requires a token, or refuses the given one (401, 403). */
export class HubAccessError extends PermanentFault {}

/** The user must first accept the repository's conditions on the hub. */
export class GatedRepositoryError extends PermanentFault {}

/** The hub has no such repository, or none that this token can see. */
export class RepositoryNotFoundError extends PermanentFault {}

/** The repository has no such branch, tag or commit. */
export class RevisionNotFoundError extends PermanentFault {}

/** The repository has no such file at that revision. */
export class RepositoryFileNotFoundError extends PermanentFault {}

/** The hub's response does not follow its protocol. */
export class HubProtocolError extends PermanentFault {}

/** A downloaded file had the wrong checksum twice in a row. It is not kept. */
export class ChecksumMismatchError extends PermanentFault {}

/** The content of a cached file does not match its name, which is a checksum. */
export class CacheDamagedError extends PermanentFault {}

/** The cache does not have the file, and the hub must not be contacted (HF_HUB_OFFLINE). */
export class NotInCacheError extends PermanentFault {}

/** The download does not fit on the disk. */
export class CacheFullError extends TransientFault {}

/** A repository has weights only in pickle files whose names are not those that transformers writes. */
export class PickleRepositoryError extends PermanentFault {}

/** A repository has no weights that can be read, or no config.json. */
export class NoModelError extends PermanentFault {}

/** A revision, repository id or path cannot be used as a name in the cache. */
export class HubNameError extends PermanentFault {}

/** The error for a failed connection: a cut, a closed port, no response. Gives the system's message, but no full URL (secrets). */
export function unreachable(where: string, cause: unknown): HubUnreachableError {
  return new HubUnreachableError({ where, what: `the hub cannot be reached (${reasonOf(cause)})`, remedy: 'This is retried automatically, and a download continues where it stopped' }, { cause });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause instanceof Error ? error.cause : error;
  const { code } = inner as NodeJS.ErrnoException;
  return code === undefined || inner.message.includes(code) ? inner.message : `${inner.message}, ${code}`;
}

/** @param missing bytes that are still to be downloaded @param free free bytes; undefined if the disk is full */
export function cacheFull(folder: string, missing: number, free: number | undefined): CacheFullError {
  const text: FaultText = {
    where: folder,
    what: `${bytesText(missing)} are still to be downloaded${free === undefined ? ', and the disk is full' : `, but ${bytesText(free)} are free`}`,
    remedy: 'Free some disk space, or set HF_HOME or HF_HUB_CACHE to a larger disk; the run continues by itself',
  };
  return new CacheFullError(text);
}
