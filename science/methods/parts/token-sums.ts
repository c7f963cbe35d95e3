import { keep, tf } from '../../engine/index.js';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '../../engine/index.js';
import { PruningInputError } from './errors.js';
import type { Moments } from './masked-least-squares.js';

/** Sums over tokens, added up part by part in float32. */
export class TokenSums {
  private sums?: Moments & { targets?: Tensor2D };

  /** @param y what the linear is to give for x, where that is summed too */
  add(x: Tensor3D, y?: Tensor3D): void {
    const before = this.sums;
    this.sums = tf.tidy(() => {
      const rows = rowsOf(x);
      const plus = <T extends Tensor>(sum: T, old: T | undefined): T => (old === undefined ? sum : sum.add<T>(old));
      return {
        products: plus(tf.matMul<Tensor2D>(rows, rows, true), before?.products),
        squares: plus(rows.square().sum<Tensor1D>(0), before?.squares),
        ...(y && { targets: plus(tf.matMul<Tensor2D>(rowsOf(y), rows, true), before?.targets) }),
      };
    });
    // A visit's own scope must not take what is added up over visits.
    for (const sum of Object.values(this.sums)) keep(sum);
    if (before !== undefined) tf.dispose(Object.values(before));
  }

  moments(): Moments {
    if (this.sums === undefined) throw new PruningInputError({ what: 'no window was visited', expected: 'at least one' });
    return this.sums;
  }

  /** The caller's to dispose. */
  targets(): Tensor2D {
    if (this.sums?.targets === undefined) throw new PruningInputError({ what: 'no target was added', expected: 'at least one window' });
    return this.sums.targets.clone();
  }

  dispose(): void {
    if (this.sums !== undefined) tf.dispose(Object.values(this.sums));
    this.sums = undefined;
  }
}

/** `[batch, time, features]` -> `[batch * time, features]` */
function rowsOf(x: Tensor3D): Tensor2D {
  const [batch, time, features] = x.shape;
  return x.reshape([batch * time, features]);
}
