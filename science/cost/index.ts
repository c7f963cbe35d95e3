/** What work takes on any machine: amounts of each kind, and bytes at the peak. `app/planning/` converts them to seconds. */
export * from './layer-work.js';
export { modelSize, type LayerSize, type ModelSize, type SubBlockSize } from './model-size.js';
export type { Windows } from './windows.js';
export { addWork, noWork, type Cost, type Work } from './work.js';
