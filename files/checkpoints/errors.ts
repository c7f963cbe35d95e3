import { TransientFault, PermanentFault } from '../../errors/fault.js';

/** Maximum number of list items in a message. */
const listed = 10;

/** `a, b, c and 7 more`. */
export function list(items: readonly string[]): string {
  const shown = items.slice(0, listed).join(', ');
  return items.length > listed ? `${shown} and ${items.length - listed} more` : shown;
}

/** A safetensors file ends before the header or the tensors that it announces. */
export class TruncatedFileError extends PermanentFault {}

/** The header of a safetensors file announces more bytes than the format allows. */
export class HeaderTooLargeError extends PermanentFault {}

/** The header of a safetensors file is not the JSON object that the format requires. */
export class MalformedHeaderError extends PermanentFault {}

/** A name occurs twice in the header of a safetensors file. */
export class DuplicateNameError extends PermanentFault {}

/** A tensor has a dtype that the format does not have. */
export class UnknownDtypeError extends PermanentFault {}

/** The number of bytes between a tensor's offsets does not match its shape and dtype. */
export class TensorSizeError extends PermanentFault {}

/** A tensor's offsets are outside the file, or its end is before its beginning. */
export class OffsetRangeError extends PermanentFault {}

/** Two tensors of a safetensors file share bytes. */
export class OverlappingTensorsError extends PermanentFault {}

/** A safetensors file has bytes between or after its tensors that belong to no tensor. */
export class UnusedBytesError extends PermanentFault {}

/** The model folder does not exist or is not a folder. */
export class CheckpointNotFoundError extends PermanentFault {}

/** A model folder has weights only in pickle files of other names or kinds than those of transformers. */
export class PickleCheckpointError extends PermanentFault {}

/** A file is not in the format of `torch.save`, is damaged, or contains more than tensors. */
export class PytorchFileError extends PermanentFault {}

/** A model folder has no weights in safetensors files, and no pickle files either. */
export class NoWeightsError extends PermanentFault {}

/** A model folder has no `config.json`. */
export class MissingConfigError extends PermanentFault {}

/** `config.json` or the index of a checkpoint's shards is malformed. */
export class MalformedJsonError extends PermanentFault {}

/** The index of a checkpoint names files that are not there. */
export class MissingShardError extends PermanentFault {}

/** A tensor is in a different shard than the index of the checkpoint says. */
export class IndexMismatchError extends PermanentFault {}

/** A tensor is in two shards of a checkpoint. */
export class TensorInTwoShardsError extends PermanentFault {}

/** A checkpoint lacks tensors that the model needs. */
export class MissingTensorError extends PermanentFault {}

/** Tensors of a checkpoint do not have the shapes that the config implies. */
export class ShapeMismatchError extends PermanentFault {}

/** Weights are in a dtype that cannot be decoded to float32. */
export class UnsupportedDtypeError extends PermanentFault {}

/** A tensor was requested without a prefetch, or twice: a bug in the program. */
export class NotPrefetchedError extends PermanentFault {}

/** The number of bits of a mask differs from the number of weights. */
export class MaskSizeError extends PermanentFault {}

/** The pruned checkpoint would overwrite its own source. */
export class TargetIsSourceError extends PermanentFault {}

/** A file changed while it was read. */
export class FileChangedError extends TransientFault {}
