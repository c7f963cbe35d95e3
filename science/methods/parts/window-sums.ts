import { PruningInputError } from './errors.js';

/** Sums over windows, by name. Sums in float64 are Float64Array. */
export type WindowSums = ReadonlyMap<string, SummedValues>;
export type SummedValues = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/**
 * The sums that a method has gathered from windows. Sums of a shard can be moved to another process and added to those of the other
 * shards. The masks are chosen from the total.
 */
export interface Gathered {
  /** Returns the sums on the host. */
  download(): Promise<WindowSums>;
  /** Frees the memory on the device. */
  dispose(): void;
}

/**
 * Adds the sums of a shard to the total of the previous shards, value by value, each rounded to its own type. So the bits depend only on
 * the order of the shards.
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

/** Returns the name of a sum of one linear. */
export const sumOf = (what: string, linear: string): string => `${what} of ${linear}`;

/** Returns the sums of one kind, by linear. */
export function sumsOfLinears<Values extends SummedValues>(sums: WindowSums, what: string): Map<string, Values> {
  const start = sumOf(what, '');
  return new Map([...sums].flatMap(([name, values]): [string, Values][] => (name.startsWith(start) ? [[name.slice(start.length), values as Values]] : [])));
}
