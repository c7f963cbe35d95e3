/** The science: masks made, rebuilt and checked. Pure functions of tensors and typed arrays; knows no files. */
export { MaskBudgetError, NonFiniteScoreError, PatternError, PruningInputError } from './errors.js';
export { magnitudeMask, wandaMask } from './initial-mask.js';
export type { MaskTarget } from './initial-mask.js';
export { layerForward } from './layer-forward.js';
export type { LayerForward } from './layer-forward.js';
export { checkInitialMask, checkPattern, checkRebuiltMasks } from './mask-check.js';
export type { LinearMask } from './mask-check.js';
export { maskedWeights, withMasked } from './masked-weights.js';
export type { Masks } from './masked-weights.js';
export { checkDivides, detectPattern, parsePattern, patternSparsity, patternText, unstructured } from './pattern.js';
export type { Pattern, Shape } from './pattern.js';
export { selectSwaps } from './rebuild.js';
export type { SwapRequest, SwapResult } from './rebuild.js';
export { pruneSmallest } from './prune-smallest.js';
export { floorShare } from './share.js';
export { InputNorms } from './statistics.js';
export { rebuildSubBlock } from './sub-block-rebuild.js';
export type { RebuildSettings, SubBlockRebuild, SubBlockReport, SubBlockResult } from './sub-block-rebuild.js';
