/** Which rows of a tensor belong to a part of it: runs of rows at equal distances. */
export interface RowRuns {
  /** The first row of the first run. */
  from: number;
  /** Rows of a run. */
  run: number;
  /** Rows from the begin of one run to the begin of the next. */
  stride: number;
}

type Rows = Uint8Array | Float32Array;

/** Calls back for each run: where it begins in the part and in the whole, in elements, and how many elements it has. */
function eachRun(length: number, width: number, { from, run, stride }: RowRuns, visit: (inPart: number, inWhole: number, count: number) => void): void {
  const count = run * width;
  for (let at = 0, index = 0; at < length; at += count, index++) visit(at, (from + index * stride) * width, Math.min(count, length - at));
}

/**
 * A part's rows of a whole tensor, copied.
 *
 * @param length elements of the part
 * @param width elements of a row
 */
export function takeRows<T extends Rows>(whole: T, length: number, width: number, runs: RowRuns): T {
  const part = (whole instanceof Float32Array ? new Float32Array(length) : new Uint8Array(length)) as T;
  eachRun(length, width, runs, (inPart, inWhole, count) => { part.set(whole.subarray(inWhole, inWhole + count), inPart); });
  return part;
}

/** Puts a part's rows to their places in the whole tensor. */
export function putRows<T extends Rows>(whole: T, part: T, width: number, runs: RowRuns): void {
  eachRun(part.length, width, runs, (inPart, inWhole, count) => { whole.set(part.subarray(inPart, inPart + count), inWhole); });
}
