/** Turns texts into token windows. Guarantees the tokens that the model was trained with, and the same windows for the same seed. */
export * from './errors.js';
export { namedCalibration, namedEvaluation, type NamedText } from './named.js';
export { questionForms, readQuestions, type Question } from './questions.js';
export { readText, textReading } from './read-text.js';
export { loadTokenizer, tokenizerFiles, type Tokenizer } from './tokenizer.js';
export { cutAllWindows, cutWindows, type WindowRequest } from './windows.js';
