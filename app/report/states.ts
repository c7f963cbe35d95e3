import type { ModelState } from '../config/pipeline.js';

/** States of the model, in the order in which reports show them. */
export const states: readonly ModelState[] = ['dense', 'initial', 'rebuilt'];
