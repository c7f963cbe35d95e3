import { PermanentFault, type FaultText } from '../../errors/fault.js';
import type { Violation } from './violations.js';

/** A check of a mask or a pruned checkpoint failed: budget, pattern, zeros, finite numbers, digests. */
export class MaskProofError extends PermanentFault {
  constructor(
    text: FaultText,
    /** What is wrong; only the first violations if there are many. */
    readonly violations: readonly Violation[],
  ) {
    super(text);
  }
}

/** A budget cannot be computed because its count or share is out of range. */
export class MaskBudgetError extends PermanentFault {}

/** A file is not a mask file, or its metadata is invalid. */
export class MaskFileError extends PermanentFault {}

/** A mask file does not contain the shapes of its linears, and no model was given. */
export class MaskShapesMissingError extends PermanentFault {}

/** Masks, or a mask and a model, do not belong together: different linears, shapes or model digests. */
export class MaskMismatchError extends PermanentFault {}

/** A mask would be applied to dense weights, but its checkpoint has updated weights. */
export class UpdatedValuesError extends PermanentFault {}

/** A text is not a pattern. */
export class PatternTextError extends PermanentFault {}

/** No tensor of a checkpoint looks like the weight matrix of a linear inside a decoder layer. */
export class NothingPrunableError extends PermanentFault {}

/** An output would replace something that already exists. */
export class OutputExistsError extends PermanentFault {}

/** `proof.json` cannot be read, or is not in the format of `writeProof`. */
export class ProofFileError extends PermanentFault {}

/** A checkpoint cannot be written in a sparse format: it is not pruned, or not 2:4. */
export class SparseFormatError extends PermanentFault {}

/** A checkpoint that must be examined or converted byte by byte is not in safetensors files. */
export class NotSafetensorsError extends PermanentFault {}
