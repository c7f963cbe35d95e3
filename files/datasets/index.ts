/** Text -> token windows. Promises the tokens that the model was trained with, and the same windows for the same seed, always. */
export * from './errors.js';
export { namedCalibration, namedEvaluation, type NamedText } from './named.js';
export { questionForms, readQuestions, type Question } from './questions.js';
export { readText, textReading } from './read-text.js';
export { loadTokenizer, tokenizerFiles, type Tokenizer } from './tokenizer.js';
export { cutAllWindows, cutWindows, type WindowRequest } from './windows.js';
