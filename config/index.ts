/** Pipeline files: YAML text to a checked, defaulted, frozen pipeline, with line and column in every error. */
export { describeProblems } from './describe.js';
export { PipelineFileError } from './errors.js';
export type { PipelineProblem, PipelineWarning } from './errors.js';
export { loadPipeline, parsePipeline } from './parse.js';
export type { ParsedPipeline, ParseOptions, ParseRequest } from './parse.js';
export { loadSweep, maximumMembers, membersOf, parseSweep } from './parse-sweep.js';
export { combinationsOf, memberName } from './combinations.js';
export { readText } from './read-text.js';
export type * from './pipeline.js';
export type * from './sweep.js';
