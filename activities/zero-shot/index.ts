/** Zero-shot evaluation: batches of tokens from questions, log-likelihoods of the answers, and accuracies. */
export { judgeZeroShot } from './judge.js';
export { findLikelihoods, scoreLikelihoods } from './likelihoods.js';
export { sampleQuestions } from './sample-questions.js';
export { definitionOf, documentFiles } from './task-files.js';
