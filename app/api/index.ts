/**
 * The public API: pipelines from a program, with the code of the command line. Functions load what they need when they are called, so
 * reading files needs no set-up.
 */
export { loadPipeline, parsePipeline, type ParsedPipeline, type ParseOptions, type ParseRequest } from '../config/parse.js';
export { PipelineFileError, type PipelineProblem, type PipelineWarning } from '../config/errors.js';
export type * from '../config/pipeline.js';
export { Fault } from '../../errors/fault.js';
export type { PipelineProgress, PipelineResult } from '../../workflows/protocol.js';
export { createWorker, type RunningWorker, type WorkerOptions } from './worker.js';
export type { Place } from './place.js';
export { readMask, readProof, readResult, type Mask, type MaskedLinear } from './read.js';
export { runPipeline, startPipeline, type FinishedRun, type RunOptions, type StartedRun } from './run.js';
export { setUp } from './set-up.js';
