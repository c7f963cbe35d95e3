/**
 * Exact counts, and bisection with them. All of it is TensorFlow's own operations, because TensorFlow.js takes several times as long for
 * each call, and bisection makes hundreds of calls for a mask. Counts are float64 on the device, so that no step waits for the host.
 * Only for the `tensorflow` backend.
 */
import type { Tensor2D } from '@tensorflow/tfjs';
import { float32From, idOf, native } from './device-ops.js';
import { convert, flag, indices, int32, op, opOf, owning } from './raw-ops.js';

/** The largest number of ones that a float32 sum counts exactly. */
const exactCount = 2 ** 24;
/** The length of the pieces of a longer row. Each is counted in float32. */
const pieceLength = 2 ** 14;

type Own = (id: number) => number;

/**
 * Finds for each group the largest digit with at most `rank` digits below it.
 *
 * @param digits whole numbers in float32, `[groups, length]`; a group may consist of several tensors
 * @param rank int32, `[groups, 1]`
 * @param bits number of bits of the result
 * @returns `[groups, 1]`, and how many elements are below the digit, int32. The caller disposes both
 */
export function bisect(digits: readonly Tensor2D[], rank: Tensor2D, bits: number): { digit: Tensor2D; below: Tensor2D } {
  const { shape } = rank;
  const { binding } = native();
  const [digit, below] = owning((own) => {
    const wanted = own(convert(idOf(rank), 'int32', 'float64'));
    const parts = digits.map((part) => ({ id: idOf(part), shape: part.shape }));
    const countBelow = (limit: number, its: Own): number => parts
      .map(({ id, shape: [rows, columns] }) => countOf(its(opOf('float32', 'Less', [id, limit])), rows, columns, its))
      .reduce((sum, count) => its(op('AddV2', [sum, count])));
    let found = own(binding.createTensor(shape, binding.TF_FLOAT, new Float32Array(shape[0])));
    for (let bit = bits - 1; bit >= 0; bit--) {
      found = own(owning((its) => {
        const candidate = its(opOf('float32', 'AddV2', [found, its(binding.createTensor([], binding.TF_FLOAT, Float32Array.of(2 ** bit)))]));
        const reached = its(op('LessEqual', [countBelow(candidate, its), wanted]));
        return opOf('float32', 'SelectV2', [reached, candidate, found]);
      }));
    }
    return [opOf('float32', 'Identity', [found]), owning((its) => convert(countBelow(found, its), 'float64', 'int32'))];
  });
  return { digit: float32From(digit, shape), below: native().createOutputTensor({ id: below, shape, dtype: binding.TF_INT32 }) as Tensor2D };
}

/** Counts the true elements of every row of a bool tensor: int32 `[rows, 1]`. The caller disposes it. */
export function countTrue(flags: Tensor2D): Tensor2D {
  const [rows, columns] = flags.shape;
  const id = owning((own) => convert(countOf(idOf(flags), rows, columns, own), 'float64', 'int32'));
  return native().createOutputTensor({ id, shape: [rows, 1], dtype: native().binding.TF_INT32 }) as Tensor2D;
}

/** @returns float64 `[rows, 1]`, owned by `own` like all steps */
function countOf(flags: number, rows: number, columns: number, own: Own): number {
  const sumOfRows = (type: 'float32' | 'float64', id: number): number => own(opOf(type, 'Sum', [id, own(int32([1]))], indices('Tidx'), flag('keep_dims', true)));
  const reshaped = (type: 'bool' | 'float64', id: number, shape: number[]): number => own(opOf(type, 'Reshape', [id, own(int32(shape))], indices('Tshape')));
  const count = (values: number): number => own(convert(sumOfRows('float32', own(convert(values, 'bool', 'float32'))), 'float32', 'float64'));
  if (columns <= exactCount) return count(flags);
  const missing = -columns & (pieceLength - 1);
  const padded = missing === 0 ? flags : own(opOf('bool', 'Pad', [flags, own(int32([0, 0, 0, missing], [2, 2]))], indices('Tpaddings')));
  return sumOfRows('float64', reshaped('float64', count(reshaped('bool', padded, [-1, pieceLength])), [rows, -1]));
}
