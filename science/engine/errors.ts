import { PermanentFault } from '../../errors/fault.js';

/** Thrown when an engine, a thread count or `LLM_BARBER_ENGINE` is asked for that does not exist. */
export class EngineChoiceInvalid extends PermanentFault {}

/** Thrown when the engine that was asked for, or every engine under `auto`, cannot be opened on this machine. */
export class EngineUnavailable extends PermanentFault {}

/** Thrown when a process that already computes with one engine is asked to open another. */
export class EngineAlreadyOpen extends PermanentFault {}
