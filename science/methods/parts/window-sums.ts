import { PruningInputError } from './errors.js';

/** Sums over windows, by name. What is summed in float64 is Float64Array. */
export type WindowSums = ReadonlyMap<string, SummedValues>;
export type SummedValues = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/**
 * What a method has gathered from windows. What it has of a part of the windows can leave this process, be added to that of the other
 * parts, and be taken up again: masks follow from the sum.
 */
export interface Gathered {
  /** On the host. */
  download(): Promise<WindowSums>;
  /** Frees what it holds on the device. */
  dispose(): void;
}

/**
 * Adds the sums of a shard to those of the shards before it, value by value, each sum rounded to its own type. So the bits follow from
 * the order of the shards alone.
 *
 * @throws PruningInputError if the shards are not of the same layer
 */
export function addSums(total: Map<string, SummedValues>, name: string, values: SummedValues): void {
  const before = total.get(name);
  if (before === undefined) {
    total.set(name, values);
    return;
  }
  if (before.length !== values.length || before.BYTES_PER_ELEMENT !== values.BYTES_PER_ELEMENT) {
    throw new PruningInputError({ where: name, what: `a shard has ${values.length} sums`, expected: `${before.length}, as the shards before it` });
  }
  for (let i = 0; i < values.length; i++) before[i] += values[i];
}

/** The name of a sum of one linear. */
export const sumOf = (what: string, linear: string): string => `${what} of ${linear}`;

/** Sums of one kind, by linear. */
export function sumsOfLinears<Values extends SummedValues>(sums: WindowSums, what: string): Map<string, Values> {
  const start = sumOf(what, '');
  return new Map([...sums].flatMap(([name, values]): [string, Values][] => (name.startsWith(start) ? [[name.slice(start.length), values as Values]] : [])));
}
