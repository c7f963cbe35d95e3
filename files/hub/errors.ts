import { bytesText } from '../../errors/bytes-text.js';
import { PassingFault, PermanentFault, type FaultText } from '../../errors/fault.js';

/** Nobody answers at the hub's address, the connection was cut, or the hub has a trouble of its own (5xx, too many requests). */
export class HubUnreachableError extends PassingFault {}

/** The hub wants a token, or refuses the one it got (401, 403). */
export class HubAccessError extends PermanentFault {}

/** The repository's conditions have to be accepted on the hub first. */
export class GatedRepositoryError extends PermanentFault {}

/** The hub has no such repository, or none that this token can see. */
export class RepositoryNotFoundError extends PermanentFault {}

/** The repository has no such branch, tag or commit. */
export class RevisionNotFoundError extends PermanentFault {}

/** The repository has no such file at that revision. */
export class RepositoryFileNotFoundError extends PermanentFault {}

/** The hub answers something that is not its protocol. */
export class HubProtocolError extends PermanentFault {}

/** A file that came from the hub is not the one that the hub lists, twice in a row. It is not kept. */
export class ChecksumMismatchError extends PermanentFault {}

/** A file of the cache is not the one that its name, a checksum, says. */
export class CacheDamagedError extends PermanentFault {}

/** The hub may not be asked (HF_HUB_OFFLINE), and the cache does not have the file. */
export class NotInCacheError extends PermanentFault {}

/** What is to be downloaded does not fit on the disk. */
export class CacheFullError extends PassingFault {}

/** A repository has weights only in pickle files of other names than transformers writes. */
export class PickleRepositoryError extends PermanentFault {}

/** A repository has no weights that can be read, or no config.json. */
export class NoModelError extends PermanentFault {}

/** A revision, repository id or path that cannot be a name in the cache. */
export class HubNameError extends PermanentFault {}

/** A cut, a closed port, a server of a network that answers nothing: what the system said, without addresses that hold secrets. */
export function unreachable(where: string, cause: unknown): HubUnreachableError {
  return new HubUnreachableError({ where, what: `the hub cannot be reached (${reasonOf(cause)})`, remedy: 'It is tried again, and a download continues where it stopped' }, { cause });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause instanceof Error ? error.cause : error;
  const { code } = inner as NodeJS.ErrnoException;
  return code === undefined || inner.message.includes(code) ? inner.message : `${inner.message}, ${code}`;
}

/** @param missing bytes that are still to come */
export function cacheFull(folder: string, missing: number, free: number | undefined): CacheFullError {
  const text: FaultText = {
    where: folder,
    what: `${bytesText(missing)} are still to be downloaded${free === undefined ? ', and the disk is full' : `, but ${bytesText(free)} are free`}`,
    remedy: 'Free some disk space, or set HF_HOME or HF_HUB_CACHE to a larger disk; the run continues by itself',
  };
  return new CacheFullError(text);
}
