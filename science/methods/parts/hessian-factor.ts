import { PermanentFault } from '../../../errors/fault.js';
import { diagonal64, type Float64Matrix, type Tensor2D } from '../../engine/index.js';
import { PruningInputError } from './errors.js';

/** Thrown when a Hessian is not finite, or so far from positive definite that no damping in bounds makes it so. */
export class HessianError extends PermanentFault {}

/** What SparseGPT reads of a Hessian. Linears that share their input share it, and its owner disposes it. */
export class HessianFactor {
  private onHost?: Promise<Float64Array>;
  private onDevice?: Tensor2D;

  /**
   * @param factor U `[in, in]` with `(H / s + damping I)^-1 = U^T U`, s being the mean diagonal of H; the factor's own from now on
   * @param damping that was used: what was asked for, or more where that did not suffice
   * @param dead inputs that are always zero, ascending
   */
  constructor(private readonly factor: Float64Matrix, readonly damping: number, readonly dead: Uint32Array) {}

  get inputs(): number {
    return this.factor.rows;
  }

  /** U on the host, row-major. */
  upper(): Promise<Float64Array> {
    return (this.onHost ??= this.factor.values());
  }

  /** U in float32 in the engine; stays the factor's own. */
  tensor(): Tensor2D {
    return (this.onDevice ??= this.factor.toFloat32());
  }

  dispose(): void {
    this.factor.dispose();
    this.onDevice?.dispose();
  }
}

/** More than this, relative to the mean diagonal, and nothing of H is left. */
const maxDamping = 100;
/** Where no damping was asked for and some is needed. */
const leastDamping = 1e-8;

/**
 * Upper Cholesky factor of the inverse of the damped Hessian (Frantar and Alistarh 2023, section 3.3).
 * Where it does not exist, the damping is raised tenfold until it succeeds.
 *
 * The mean diagonal, to which damping is relative, is that of the inputs that are not dead, and dead inputs get it as their
 * diagonal. (The paper's code gives them 1, whatever the unit of the activations.)
 *
 * @param hessian a sum of `x x^T`, `[in, in]`, in any scale; not changed
 * @param damping relative to the mean diagonal, >= 0
 * @param name of the linear, for error messages
 * @returns the caller's to dispose
 * @throws HessianError, PruningInputError
 */
export async function factorHessian(hessian: Float64Matrix, damping: number, name = 'linear'): Promise<HessianFactor> {
  if (!(damping >= 0 && damping <= maxDamping)) {
    throw new PruningInputError({ where: name, what: `damping of ${damping}`, expected: `a number from 0 to ${maxDamping}` });
  }
  await checkHessian(hessian, name);
  const squares = await hessian.diagonal();
  const dead = Uint32Array.from(squares.keys()).filter((i) => squares[i] === 0);
  const trace = squares.reduce((sum, value) => sum + value, 0);
  // All dead: any scale will do.
  const scale = dead.length === squares.length ? 1 : trace / (squares.length - dead.length);
  if (scale > 0) {
    for (let used = damping; used <= maxDamping; used = Math.max(used * 10, leastDamping)) {
      const diagonal = squares.map((value) => (value === 0 ? 1 : value / scale) + used);
      const factor = await hessian.inverseFactor({ divisor: scale, diagonal, triangle: 'upper' });
      if (factor !== undefined) return new HessianFactor(factor, used, dead);
    }
  }
  throw new HessianError({
    where: `Hessian of ${name}`,
    what: `it is not positive definite, not even with damping of ${maxDamping} times its mean diagonal ${scale}`,
    expected: 'a sum of x x^T',
    remedy: 'Check that the Hessian is the one of this linear, and the checkpoint for overflowing weights.',
  });
}

/**
 * The factor for inputs of one size that have nothing to do with each other, where too few tokens were seen to tell more: scores then follow
 * from `|W|` alone, and no weight makes up for another.
 * @returns the caller's to dispose
 */
export function plainFactor(inputs: number, damping: number): HessianFactor {
  return new HessianFactor(diagonal64(new Float64Array(inputs).fill(1 / Math.sqrt(1 + damping))), damping, new Uint32Array());
}

async function checkHessian(hessian: Float64Matrix, name: string): Promise<void> {
  if (await hessian.isFinite()) return;
  const values = await hessian.values();
  const at = values.findIndex((value) => !Number.isFinite(value));
  throw new HessianError({
    where: `Hessian of ${name}`,
    what: at === -1 ? 'its sum is infinite' : `${values[at]} at row ${Math.floor(at / hessian.columns)}, column ${at % hessian.columns}`,
    expected: 'finite numbers',
    remedy: 'Check the checkpoint for NaN or overflowing weights.',
  });
}
