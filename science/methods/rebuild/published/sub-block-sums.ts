import { tf } from '../../../engine/index.js';
import type { Tensor1D } from '../../../engine/index.js';
import type { LinearSpec } from '../../../models/types.js';
import { sumOf, sumsOfLinears, type Gathered, type SummedValues, type WindowSums } from '../../parts/window-sums.js';
import { SquaredGradients } from './squared-gradients.js';

/** The sum of the errors of sequences, and the number of sequences. */
export type ErrorSum = [sum: number, sequences: number];

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

/** Downloads the errors of sequences. Disposes the tensors. @param batches errors per sequence, `[batch]` */
export async function downloadErrors(batches: readonly Tensor1D[]): Promise<number[]> {
  const all = tf.concat([...batches]);
  const values = Array.from(await all.data<'float32'>());
  tf.dispose([all, ...batches]);
  return values;
}

/** Adds up the errors of sequences. Disposes the tensors. @param batches as in {@link downloadErrors} */
export async function sumOfErrors(batches: readonly Tensor1D[]): Promise<ErrorSum> {
  const values = await downloadErrors(batches);
  return [values.reduce((sum, value) => sum + value, 0), values.length];
}

export function meanError([sum, count]: ErrorSum): number {
  return sum / count;
}
