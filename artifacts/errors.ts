import { PassingFault } from '../errors/fault.js';

/**
 * A stored artifact is missing or its bytes are not those that were written. The damaged one has been moved aside,
 * so that the workflow, which catches this type, makes it again.
 */
export class ArtifactLostError extends PassingFault {
  constructor(kind: string, key: string, why: string) {
    super({
      where: `artifact ${kind}/${key}`,
      what: why,
      remedy: 'It is made again from its inputs; if this repeats, check the disk',
    });
  }
}
