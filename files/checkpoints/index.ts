/** Hugging Face model folders, safetensors and PyTorch files: checked headers, streaming reads, durable writes. Knows bytes, not models. */
export { openCheckpoint, type Checkpoint } from './checkpoint.js';
export { fileState } from './file-state.js';
export { digestFiles, type DigestOptions } from './digest-files.js';
export { encodeTensor, roundToDtype } from './encode.js';
export { haveEqualValues } from './equal-values.js';
export * from './errors.js';
export { checkBitCount, packBits, unpackBits } from './mask-bits.js';
export { prefetch, type PrefetchedTensors } from './prefetch.js';
export { readAhead } from './read-ahead.js';
export { companionFiles, removeOtherFiles, writePrunedCheckpoint, type PrunedCheckpointRequest } from './pruned-checkpoint.js';
export { decodeTensor, readTensor, readTensorBytes } from './read-tensor.js';
export { putRows, takeRows, type RowRuns } from './row-runs.js';
export { findTensor, resolveTensors, storedOf, type WantedTensor } from './resolve-tensors.js';
export { readStateDict } from './pytorch/state-dict.js';
export { readSafetensorsHeader, type SafetensorsHeader, type TensorInfo } from './safetensors-header.js';
export { writeSafetensors, type TensorData } from './safetensors-writer.js';
export { isWeightFile, weightFormats, type WeightFormat } from '../hub/weight-formats.js';
