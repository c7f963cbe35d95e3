import { TransientFault, PermanentFault } from '../../errors/fault.js';

/**
 * A stored artifact is missing, or its bytes have changed since they were written. A damaged artifact has been moved aside.
 * The workflow catches this type and recomputes the artifact.
 */
export class ArtifactLostError extends TransientFault {
  constructor(kind: string, key: string, why: string, store?: string) {
    super({
      where: `artifact ${kind}/${key}${store === undefined ? '' : ` in ${store}`}`,
      what: why,
      remedy: 'It is recomputed from its inputs; if this happens again, check the disk',
    });
  }
}

/** The bucket does not answer, or is not available at the moment. Nothing is lost: finished artifacts wait in the local folder. */
export class StoreUnreachableError extends TransientFault {}

/** The bucket does not exist, or the credentials are missing, wrong or not allowed to do this. */
export class StoreRefusedError extends PermanentFault {}

/** `--store` is not a valid location of a store. */
export class StoreLocationError extends PermanentFault {}

/** The bytes of a kept output differ from those that the run wrote. */
export class OutputDamagedError extends PermanentFault {}

/** A name from a request cannot be used as the name of a file or folder. */
export class UnsafeNameError extends PermanentFault {}
