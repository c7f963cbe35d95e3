/** Pipeline files: YAML text to a checked, defaulted, frozen pipeline, with line and column in every error. */
export { fileForm, relativePath, withRelativePaths } from './file-form.js';
export { describeProblems } from './describe.js';
export { PipelineFileError } from './errors.js';
export type { PipelineProblem, PipelineWarning } from './errors.js';
export { loadPipeline, parsePipeline } from './parse.js';
export type { ParsedPipeline, ParseOptions, ParseRequest } from './parse.js';
export { loadLock } from './parse-lock.js';
export { loadPack } from './parse-pack.js';
export type { Lock } from './lock.js';
export type { Expectation, NumberSource, Pack } from './pack.js';
export { loadSweep, membersOf, parseSweep } from './parse-sweep.js';
export { maximumMembers } from './sweep-checks.js';
export { combinationsOf, memberName } from './combinations.js';
export { readText } from './read-text.js';
export type * from './gate.js';
export { conditionText, parseCondition, parseQuantity, quantityText } from './gate-grammar.js';
export type * from './pipeline.js';
export type * from './sweep.js';
