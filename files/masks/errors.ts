import { PermanentFault, type FaultText } from '../../errors/fault.js';
import type { Violation } from './violations.js';

/** A mask or a pruned checkpoint does not hold what it should: budget, pattern, zeros, finite numbers, digests. */
export class MaskProofError extends PermanentFault {
  constructor(
    text: FaultText,
    /** What is wrong, the first ones if there are many. */
    readonly violations: readonly Violation[],
  ) {
    super(text);
  }
}

/** A budget cannot be computed: its count or its share is out of range. */
export class MaskBudgetError extends PermanentFault {}

/** A file is not a mask file, or its metadata make no sense. */
export class MaskFileError extends PermanentFault {}

/** A mask file does not say the shapes of its linears, and no model was given that does. */
export class MaskShapesMissingError extends PermanentFault {}

/** Masks, or a mask and a model, do not belong together: other linears, other shapes, or another model's digest. */
export class MaskMismatchError extends PermanentFault {}

/** A mask is to be applied to dense weights though the checkpoint that it comes from has updated ones. */
export class UpdatedValuesError extends PermanentFault {}

/** A text is not a pattern. */
export class PatternTextError extends PermanentFault {}

/** No tensor of a checkpoint looks like the weight matrix of a linear inside a decoder layer. */
export class NothingPrunableError extends PermanentFault {}

/** An output would replace something that is there already. */
export class OutputExistsError extends PermanentFault {}

/** `proof.json` cannot be read, or is not what `writeProof` writes. */
export class ProofFileError extends PermanentFault {}

/** A checkpoint cannot be written in a sparse format: it is not pruned, or not 2:4. */
export class SparseFormatError extends PermanentFault {}

/** A checkpoint that is to be examined or converted byte by byte is not in safetensors files. */
export class NotSafetensorsError extends PermanentFault {}
