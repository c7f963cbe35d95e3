/** The rows of a tensor that belong to a part of it: runs of rows at equal distances. */
export interface RowRuns {
  /** First row of the first run. */
  from: number;
  /** Number of rows in a run. */
  run: number;
  /** Number of rows from the start of one run to the start of the next. */
  stride: number;
}

type Rows = Uint8Array | Float32Array;

/** Calls `visit` for each run with its offsets in the part and in the whole tensor, and its length, all in elements. */
function eachRun(length: number, width: number, { from, run, stride }: RowRuns, visit: (inPart: number, inWhole: number, count: number) => void): void {
  const count = run * width;
  for (let at = 0, index = 0; at < length; at += count, index++) visit(at, (from + index * stride) * width, Math.min(count, length - at));
}

/**
 * Copies the rows of a part out of the whole tensor.
 *
 * @param length number of elements of the part
 * @param width number of elements in a row
 */
export function takeRows<T extends Rows>(whole: T, length: number, width: number, runs: RowRuns): T {
  const part = (whole instanceof Float32Array ? new Float32Array(length) : new Uint8Array(length)) as T;
  eachRun(length, width, runs, (inPart, inWhole, count) => { part.set(whole.subarray(inWhole, inWhole + count), inPart); });
  return part;
}

/** Copies the rows of a part to their places in the whole tensor. */
export function putRows<T extends Rows>(whole: T, part: T, width: number, runs: RowRuns): void {
  eachRun(part.length, width, runs, (inPart, inWhole, count) => { whole.set(part.subarray(inPart, inPart + count), inWhole); });
}
