/** Bytes per element of all safetensors dtypes whose elements are whole bytes. */
const byteSizes: ReadonlyMap<string, number> = new Map([
  ['BOOL', 1], ['U8', 1], ['I8', 1], ['F8_E4M3', 1], ['F8_E5M2', 1], ['F8_E8M0', 1],
  ['U16', 2], ['I16', 2], ['F16', 2], ['BF16', 2],
  ['U32', 4], ['I32', 4], ['F32', 4],
  ['U64', 8], ['I64', 8], ['F64', 8], ['C64', 8],
]);

export const knownDtypes: readonly string[] = [...byteSizes.keys()];

/** The dtypes of weights that `readTensor` can decode. */
export const weightDtypes: readonly string[] = ['F32', 'F16', 'BF16'];

/** Bytes per element; `undefined` for an unknown dtype. */
export function dtypeBytes(dtype: string): number | undefined {
  return byteSizes.get(dtype);
}

/** Number of elements of a shape; 1 for a scalar `[]`. May exceed `Number.MAX_SAFE_INTEGER` for an absurd shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
