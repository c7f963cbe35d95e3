import { PermanentFault } from '../../errors/fault.js';

/** Thrown when the requested engine, precision, thread count or `LLM_BARBER_ENGINE` is invalid. */
export class EngineChoiceInvalid extends PermanentFault {}

/** Thrown when the requested engine, or every engine for `auto`, cannot be opened on this machine. */
export class EngineUnavailable extends PermanentFault {}

/** Thrown when a process that already has an engine is asked to open another. */
export class EngineAlreadyOpen extends PermanentFault {}
