import type { LinearSpec } from '../../../models/types.js';
import { meanError, type ErrorSum } from '../../parts/sequence-errors.js';
import { sumOf, sumsOfLinears, type Gathered, type SummedValues, type WindowSums } from '../../parts/window-sums.js';
import { SquaredGradients } from '../../parts/squared-gradients.js';

const [squares, errors] = ['squared gradients', 'errors'];

/** The sums that a published round gathers for a sub-block: squared gradients, and the errors under the old masks. */
export class SubBlockSums implements Gathered {
  constructor(
    readonly gradients: SquaredGradients,
    readonly errors: ErrorSum,
  ) {}

  static of(linears: readonly LinearSpec[], sums: WindowSums): SubBlockSums {
    const [sum = 0, count = 0] = sums.get(errors) ?? [];
    return new SubBlockSums(SquaredGradients.of(linears, sumsOfLinears<Float32Array<ArrayBuffer>>(sums, squares)), [sum, count]);
  }

  /** Mean over sequences of the mean squared error of the sparse output against the dense one. */
  get error(): number {
    return meanError(this.errors);
  }

  async download(): Promise<WindowSums> {
    const sums = new Map<string, SummedValues>([[errors, Float64Array.from(this.errors)]]);
    for (const [linear, values] of await this.gradients.download()) sums.set(sumOf(squares, linear), values);
    return sums;
  }

  dispose(): void {
    this.gradients.dispose();
  }
}
