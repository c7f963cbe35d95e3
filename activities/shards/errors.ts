import { PermanentFault } from '../../errors/fault.js';

/** A worker was asked to use shards with a method or path that does not support them. */
export class ShardsError extends PermanentFault {
  constructor(what: string) {
    super({ where: 'calibration.shards', what: `${what} does not work from shards of the calibration`, remedy: 'Start the run with `temporal-pipeline start`, which checks the pipeline; or remove `shards`' });
  }
}
