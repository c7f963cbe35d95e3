import { diagonalOf, keep, tf, zeros64 } from '../../engine/index.js';
import type { Float64Matrix, Tensor2D, Tensor3D } from '../../engine/index.js';
import { PruningInputError } from './errors.js';
import type { Moments } from './masked-least-squares.js';

/** The part that one float32 product covers: a batch, or a number of sequences. With one sequence, the sums do not depend on the batches. */
export type SummedBy = number | 'batch';

/**
 * Sums over tokens of a linear's inputs, and of its wanted outputs. Products are computed in float32 and added in float64, so that
 * neither many windows nor large activations cost precision.
 */
export class TokenSums {
  private sums?: { products: Float64Matrix; targets?: Float64Matrix };
  private rounded?: { moments: Moments; targets?: Tensor2D };

  constructor(private readonly by: SummedBy = 'batch') {}

  /** Continues from earlier sums. @param products `sum x x^T` of earlier windows, and `sum y x^T` if there are targets; the result takes them over */
  static of(products: Float64Matrix, targets?: Float64Matrix): TokenSums {
    const sums = new TokenSums();
    sums.sums = { products, ...(targets && { targets }) };
    return sums;
  }

  /**
   * @param x `[batch, time, in]`
   * @param y the wanted output of the linear for x, `[batch, time, out]`, if it is summed too
   */
  add(x: Tensor3D, y?: Tensor3D): void {
    const inputs = x.shape[2];
    this.sums ??= { products: zeros64(inputs, inputs), ...(y && { targets: zeros64(y.shape[2], inputs) }) };
    this.roundAgain();
    const { products, targets } = this.sums;
    const [batch] = x.shape;
    const together = this.by === 'batch' ? batch : this.by;
    for (let first = 0; first < batch; first += together) {
      const count = Math.min(together, batch - first);
      tf.tidy(() => {
        const rows = rowsOf(x, first, count);
        products.add(tf.matMul(rows, rows, true));
        if (y !== undefined) targets?.add(tf.matMul(rowsOf(y, first, count), rows, true));
      });
    }
  }

  /** `sum x x^T` in float64, `[in, in]`. Owned by this object. @throws PruningInputError if nothing was added */
  products(): Float64Matrix {
    return this.added().products;
  }

  /** The same, rounded to float32. Owned by this object. @throws PruningInputError if nothing was added */
  moments(): Moments {
    return this.roundedSums().moments;
  }

  /** `sum y x^T` `[out, in]`, which the caller disposes. @throws PruningInputError if no target was added */
  targets(): Tensor2D {
    const { targets } = this.roundedSums();
    if (targets === undefined) throw new PruningInputError({ what: 'no target was added', expected: 'at least one window' });
    return targets.clone();
  }

  /** Returns all sums in float64 on the host; undefined if nothing was added. */
  async download(): Promise<{ products: Float64Array; targets?: Float64Array } | undefined> {
    if (this.sums === undefined) return undefined;
    const { products, targets } = this.sums;
    return { products: await products.values(), ...(targets && { targets: await targets.values() }) };
  }

  dispose(): void {
    this.roundAgain();
    this.sums?.products.dispose();
    this.sums?.targets?.dispose();
    this.sums = undefined;
  }

  private added(): NonNullable<TokenSums['sums']> {
    if (this.sums === undefined) throw new PruningInputError({ what: 'no window was visited', expected: 'at least one' });
    return this.sums;
  }

  private roundedSums(): NonNullable<TokenSums['rounded']> {
    const { products, targets } = this.added();
    this.rounded ??= { moments: momentsOf(products), ...(targets && { targets: keep(targets.toFloat32()) }) };
    return this.rounded;
  }

  private roundAgain(): void {
    if (this.rounded !== undefined) tf.dispose([this.rounded.moments.products, this.rounded.moments.squares, ...(this.rounded.targets ? [this.rounded.targets] : [])]);
    this.rounded = undefined;
  }
}

/** Keeps its tensors: they are used across visits, so the tidy of one visit must not dispose them. */
function momentsOf(sum: Float64Matrix): Moments {
  const products = keep(sum.toFloat32());
  return { products, squares: keep(diagonalOf(products)) };
}

/** Returns some of the sequences: `[batch, time, features]` -> `[tokens, features]`. */
function rowsOf(x: Tensor3D, first: number, count: number): Tensor2D {
  const [, time, features] = x.shape;
  return x.slice([first, 0, 0], [count, time, features]).reshape([count * time, features]);
}
