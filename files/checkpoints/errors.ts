import { PassingFault, PermanentFault } from '../../errors/fault.js';

/** At most so many items of a list go into a message. */
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

/** The header of a safetensors file is not the JSON object that the format asks for. */
export class MalformedHeaderError extends PermanentFault {}

/** A name occurs twice in the header of a safetensors file. */
export class DuplicateNameError extends PermanentFault {}

/** A tensor has a dtype that the format does not have. */
export class UnknownDtypeError extends PermanentFault {}

/** Shape times dtype is not the number of bytes that a tensor's offsets enclose. */
export class TensorSizeError extends PermanentFault {}

/** A tensor's offsets are outside the file, or its end is before its begin. */
export class OffsetRangeError extends PermanentFault {}

/** Two tensors of a safetensors file share bytes. */
export class OverlappingTensorsError extends PermanentFault {}

/** A safetensors file has bytes between or after its tensors that belong to none. */
export class UnusedBytesError extends PermanentFault {}

/** What should be a model folder does not exist or is not a folder. */
export class CheckpointNotFoundError extends PermanentFault {}

/** A model folder has weights only in pickle files of other names or kinds than transformers writes. */
export class PickleCheckpointError extends PermanentFault {}

/** A file of `torch.save` is in another format, damaged, or asks for more than tensors. */
export class PytorchFileError extends PermanentFault {}

/** A model folder has no weights in safetensors files, and no pickle files either. */
export class NoWeightsError extends PermanentFault {}

/** A model folder has no `config.json`. */
export class MissingConfigError extends PermanentFault {}

/** `config.json` or the index of a checkpoint's shards is not what it should be. */
export class MalformedJsonError extends PermanentFault {}

/** The index of a checkpoint names files that are not there. */
export class MissingShardError extends PermanentFault {}

/** The index of a checkpoint says that a tensor is in one shard, and it is in another. */
export class IndexMismatchError extends PermanentFault {}

/** A tensor is in two shards of a checkpoint. */
export class TensorInTwoShardsError extends PermanentFault {}

/** A checkpoint lacks tensors that the model needs. */
export class MissingTensorError extends PermanentFault {}

/** Tensors of a checkpoint have other shapes than the config implies. */
export class ShapeMismatchError extends PermanentFault {}

/** Weights are in a dtype that cannot be decoded to float32. */
export class UnsupportedDtypeError extends PermanentFault {}

/** A tensor is asked for that was not prefetched, or a second time: a bug of the program. */
export class NotPrefetchedError extends PermanentFault {}

/** The bits of a mask are not as many as the weights that they are for. */
export class MaskSizeError extends PermanentFault {}

/** A pruned checkpoint is to be written over the one that it is made from. */
export class TargetIsSourceError extends PermanentFault {}

/** A file changed while it was read. */
export class FileChangedError extends PassingFault {}
