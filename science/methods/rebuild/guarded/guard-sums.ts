import { matrix64 } from '../../../engine/index.js';
import { linearsOf } from '../../../models/linears.js';
import type { SubBlock } from '../../../models/types.js';
import { TokenSums } from '../../parts/token-sums.js';
import { sumOf, sumsOfLinears, type Gathered, type SummedValues, type WindowSums } from '../../parts/window-sums.js';
import { SquaredGradients } from '../../parts/squared-gradients.js';
import type { ErrorSum } from '../../parts/sequence-errors.js';

const [squares, errors, tokens, products, targets] = ['squared gradients', 'errors', 'tokens', 'products', 'targets'];

/** What the sums of a step consist of. A step needs only some of them. */
interface Parts {
  /** For each of the masks that were tried, the errors of each fold that judges them. */
  errors?: readonly (readonly ErrorSum[])[];
  gradients?: SquaredGradients;
  /** What linears of a refit read and should write, and the number of tokens. */
  fit?: { sums: TokenSums; tokens: number };
}

/** The sums of one step of a guarded rebuild. */
export class GuardSums implements Gathered {
  readonly errors: readonly (readonly ErrorSum[])[];
  readonly gradients: SquaredGradients;
  readonly fit: NonNullable<Parts['fit']>;

  constructor({ errors: ofMasks = [], gradients = new SquaredGradients(), fit = { sums: new TokenSums(), tokens: 0 } }: Parts) {
    this.errors = ofMasks;
    this.gradients = gradients;
    this.fit = fit;
  }

  /** Restores what {@link download} returned. */
  static of(subBlock: SubBlock, sums: WindowSums): GuardSums {
    const [read, written] = [products, targets].map((name) => sums.get(name));
    const width = Math.sqrt(read?.length ?? 0);
    const matrix = (values: SummedValues): ReturnType<typeof matrix64> => matrix64(values as Float64Array, values.length / width, width);
    return new GuardSums({
      errors: [...sumsOfLinears(sums, errors).values()].map((flat) => Array.from({ length: flat.length / 2 }, (_, fold): ErrorSum => [flat[2 * fold], flat[2 * fold + 1]])),
      gradients: SquaredGradients.of(linearsOf(subBlock), sumsOfLinears<Float32Array<ArrayBuffer>>(sums, squares)),
      ...(read && { fit: { sums: TokenSums.of(matrix(read), written && matrix(written)), tokens: sums.get(tokens)?.[0] ?? 0 } }),
    });
  }

  /** A shard without windows in the folds that teach has no gradients and products. */
  async download(): Promise<WindowSums> {
    const sums = new Map<string, SummedValues>(this.errors.map((ofFolds, mask) => [sumOf(errors, `${mask}`), Float64Array.from(ofFolds.flat())]));
    for (const [linear, values] of await this.gradients.download()) sums.set(sumOf(squares, linear), values);
    const fit = await this.fit.sums.download();
    if (fit !== undefined) {
      sums.set(products, fit.products as Float64Array<ArrayBuffer>);
      if (fit.targets !== undefined) sums.set(targets, fit.targets as Float64Array<ArrayBuffer>);
      sums.set(tokens, Float64Array.of(this.fit.tokens));
    }
    return sums;
  }

  dispose(): void {
    this.gradients.dispose();
    this.fit.sums.dispose();
  }
}
