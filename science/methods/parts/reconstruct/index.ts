/** Training of the kept weights of a decoder layer. */
export { reconstructionForwards, reconstructLayer } from './reconstruct-layer.js';
export type { LayerReconstruction, ReconstructedLayer } from './reconstruct-layer.js';
export { reconstructionTargets } from './targets.js';
export type { ReconstructionTargets } from './targets.js';
export type { ReconstructionEpoch } from './training.js';
export type { WindowBatch } from './window-batches.js';
