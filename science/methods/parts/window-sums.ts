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
 * The sums of several shards, added one shard after the other, value by value, each rounded to its own type. So the bits depend only on the
 * order of the shards.
 */
export class TotalSums {
  private readonly sums = new Map<string, SummedValues>();

  /**
   * Adds values of one sum of a shard.
   * @param first index of the first of them, and `count` of all values of the sum, if they are only a part of it
   * @throws PruningInputError if the shards are not of the same layer
   */
  add(name: string, values: SummedValues, first = 0, count = values.length): void {
    const sum = this.sums.get(name) ?? (values instanceof Float64Array ? new Float64Array(count) : new Float32Array(count));
    if (sum.length !== count || sum.BYTES_PER_ELEMENT !== values.BYTES_PER_ELEMENT) {
      throw new PruningInputError({ where: name, what: `a shard has ${described(count, values)}`, expected: `${described(sum.length, sum)}, as the shards before it` });
    }
    this.sums.set(name, sum);
    for (let i = 0; i < values.length; i++) sum[first + i] += values[i];
  }

  get total(): WindowSums {
    return this.sums;
  }
}

const described = (count: number, { BYTES_PER_ELEMENT }: SummedValues): string => `${count} sums in float${8 * BYTES_PER_ELEMENT}`;

/** Returns the name of a sum of one linear. */
export const sumOf = (what: string, linear: string): string => `${what} of ${linear}`;

/** Returns the sums of one kind, by linear. */
export function sumsOfLinears<Values extends SummedValues>(sums: WindowSums, what: string): Map<string, Values> {
  const start = sumOf(what, '');
  return new Map([...sums].flatMap(([name, values]): [string, Values][] => (name.startsWith(start) ? [[name.slice(start.length), values as Values]] : [])));
}
