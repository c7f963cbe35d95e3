import { PermanentFault } from '../../errors/fault.js';

/** A run would need more memory or disk than this machine has free. Thrown before any work is done. */
export class AdmissionRefusedError extends PermanentFault {}

/** The model's folder has no config.json that can be read. */
export class ModelConfigMissingError extends PermanentFault {}
