import { matrix64 } from '../../engine/index.js';
import type { Tensor3D } from '../../engine/index.js';
import { linearsOf } from '../../models/linears.js';
import type { DecoderLayer, LinearSpec } from '../../models/types.js';
import { PruningInputError } from './errors.js';
import { TokenSums, type SummedBy } from './token-sums.js';
import { sumOf, sumsOfLinears, type SummedValues, type WindowSums } from './window-sums.js';

const kind = 'products';
/** Tensor names never contain it. */
const separator = ' ';

/** An input, with the linears that read it (q, k, v; gate, up; or a single linear). */
export interface SharedInput {
  /** In the order in which they run. */
  linears: LinearSpec[];
  /** The caller may dispose them when it no longer needs the group; {@link InputMoments.dispose} disposes all. */
  sums: TokenSums;
}

/**
 * `sum over tokens of x x^T` for the input x of every linear of a layer. Linears that read the same tensor share one sum. (The H of
 * SparseGPT's paper has a factor 2, and its code also has 1 / sequences. Neither matters: damping is relative to the mean diagonal, and
 * scaling H does not change scores and updates.)
 */
export class InputMoments {
  readonly inputs: SharedInput[] = [];
  /** The tensor that was added last, and the linears that have added it. */
  private last?: { x: Tensor3D; input: SharedInput; readers: Set<string> };

  /** @param by tells for each linear what one product covers */
  constructor(private readonly by: (linear: LinearSpec) => SummedBy = () => 'batch') {}

  /** Restores what {@link download} returned. @throws PruningInputError if it is from another layer */
  static of(layer: DecoderLayer, sums: WindowSums): InputMoments {
    const moments = new InputMoments();
    const known = new Map(linearsOf(layer).map((linear) => [linear.name, linear]));
    for (const [names, values] of sumsOfLinears<Float64Array<ArrayBuffer>>(sums, kind)) {
      const linears = names.split(separator).map((name) => known.get(name)).filter((linear) => linear !== undefined);
      const width = linears.at(0)?.shape[1] ?? 0;
      if (width ** 2 !== values.length) throw new PruningInputError({ where: names, what: `${values.length} sums of products`, expected: 'a sum for each two inputs of linears of this layer' });
      moments.inputs.push({ linears, sums: TokenSums.of(matrix64(values, width, width)) });
    }
    return moments;
  }

  /** Returns the sums on the host, by the names of the linears that share them. */
  async download(): Promise<WindowSums> {
    const sums = new Map<string, SummedValues>();
    for (const { linears, sums: own } of this.inputs) {
      sums.set(sumOf(kind, linears.map(({ name }) => name).join(separator)), (await own.products().values()) as Float64Array<ArrayBuffer>);
    }
    return sums;
  }

  /** Adds the input `[batch, time, in]` of one linear; fits `onInput` of `layerForward`. */
  readonly add = (linear: LinearSpec, x: Tensor3D): void => {
    // If the same linear adds the same tensor again, it is a new batch.
    if (this.last?.x === x && !this.last.readers.has(linear.name)) {
      const { input, readers } = this.last;
      readers.add(linear.name);
      if (!input.linears.some(({ name }) => name === linear.name)) input.linears.push(linear);
      return;
    }
    const input = this.inputOf(linear);
    this.last = { x, input, readers: new Set([linear.name]) };
    input.sums.add(x);
  };

  dispose(): void {
    for (const { sums } of this.inputs) sums.dispose();
  }

  private inputOf(linear: LinearSpec): SharedInput {
    const known = this.inputs.find(({ linears }) => linears.some(({ name }) => name === linear.name));
    if (known !== undefined) return known;
    const input = { linears: [linear], sums: new TokenSums(this.by(linear)) };
    this.inputs.push(input);
    return input;
  }
}
