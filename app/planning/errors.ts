import { PermanentFault } from '../../errors/fault.js';

/** Thrown before any work is done, if a run would need more memory or disk than this machine has free. */
export class AdmissionRefusedError extends PermanentFault {}

/** Thrown if the model's folder has no readable config.json. */
export class ModelConfigMissingError extends PermanentFault {}
