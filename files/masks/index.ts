/**
 * Mask files and the proof that masks are right. Reads files and counts bits; shares no code with the making of masks.
 */
export { applyMask, type ApplyRequest } from './apply-mask.js';
export { composeMasks, type ComposeRequest } from './compose-masks.js';
export { describeMasks, type MaskDescription } from './describe-masks.js';
export { diffMasks, jaccard, sumOf, type DiffCounts, type LinearDiff, type MaskDiff } from './diff-masks.js';
export * from './errors.js';
export { examineCheckpoint, proveCheckpoint, type CheckpointFacts, type CheckpointRequest } from './examine-checkpoint.js';
export { examineMask, type MaskFacts, type MaskRequest } from './examine-mask.js';
export { exactShare } from './exact-share.js';
export { countLinear, prunedLinears, totalsOf, type FileFacts, type Findings, type LinearFacts, type Totals } from './facts.js';
export { groupZeros, type GroupCount, type Groups } from './group-zeros.js';
export { byLayer, layerOf, shortName } from './layers.js';
export { bitOrder, openMaskFile, readPackedMask, type MaskEntry, type MaskFile, type MaskMetadata } from './mask-file.js';
export { isFolder, openMaskSource, type MaskSource, type SourceMask } from './mask-source.js';
export { modelDigest } from './model-digest.js';
export { countKept, packedBytes, type PackedMask, type Shape } from './packed-mask.js';
export { compareMaskWithProof, compareWithProof } from './compare-with-proof.js';
export { readProof, writeProof, type Proof, type ProofRequest } from './proof-file.js';
export { sparseFormats, type SparseFormat } from './sparse-format/pack-linear.js';
export { writeSparseCheckpoint, type SparseRequest } from './sparse-format/write-sparse.js';
export { proveMask, type MaskBudget, type MaskClaim } from './prove-mask.js';
export { listedViolations, positionText, violationText, type Violation, type ViolationKind } from './violations.js';
