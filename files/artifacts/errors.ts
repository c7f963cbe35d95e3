import { PassingFault, PermanentFault } from '../../errors/fault.js';

/**
 * A stored artifact is missing or its bytes are not those that were written. The damaged one has been moved aside,
 * so that the workflow, which catches this type, makes it again.
 */
export class ArtifactLostError extends PassingFault {
  constructor(kind: string, key: string, why: string, store?: string) {
    super({
      where: `artifact ${kind}/${key}${store === undefined ? '' : ` in ${store}`}`,
      what: why,
      remedy: 'It is recomputed from its inputs; if this repeats, check the disk',
    });
  }
}

/** The bucket does not answer, or says that it cannot just now. Nothing is lost: what was made waits in the local folder. */
export class StoreUnreachableError extends PassingFault {}

/** The bucket refuses: it is not there, or the credentials are missing, wrong or not allowed to do this. */
export class StoreRefusedError extends PermanentFault {}

/** `--store` names no place that can be a store. */
export class StoreLocationError extends PermanentFault {}

/** An output that a store kept of a run has other bytes than the run has made. */
export class OutputDamagedError extends PermanentFault {}

/** A name that came with a request and cannot name a file or folder of ours. */
export class UnsafeNameError extends PermanentFault {}
