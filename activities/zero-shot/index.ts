/** Zero-shot evaluation: questions to batches of tokens, log-likelihoods of their answers, and what they come to. */
export { judgeZeroShot } from './judge.js';
export { findLikelihoods, scoreLikelihoods } from './likelihoods.js';
export { sampleQuestions } from './sample-questions.js';
export { definitionOf, documentFiles } from './task-files.js';
