import { roundToDtype } from '../files/checkpoints/index.js';
import type { DecoderLayer } from '../science/models/index.js';
import { dtypesOf } from './dtypes.js';
import { NonFiniteValueError } from './errors.js';
import type { OpenModel } from './workbench.js';

/**
 * Rounds new values of a layer's linears to the dtypes of the checkpoint.
 * @returns a function that throws NonFiniteValueError if the rounded values are not finite
 */
export function roundingOf(open: OpenModel, layer: DecoderLayer): (linear: string, values: Float32Array) => Float32Array {
  const dtypes = dtypesOf(open, layer);
  return (linear, values) => {
    const dtype = dtypes.get(linear) ?? 'F32';
    const rounded = roundToDtype(dtype, values);
    const wrong = rounded.find((value) => !Number.isFinite(value));
    if (wrong !== undefined) throw new NonFiniteValueError(`updated weight of ${linear} as ${dtype}`, wrong);
    return rounded;
  };
}
