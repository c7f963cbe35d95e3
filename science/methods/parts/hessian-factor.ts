import { PermanentFault } from '../../../errors/fault.js';
import { diagonal64, type Float64Matrix, type Tensor2D } from '../../engine/index.js';
import { PruningInputError } from './errors.js';

/** Thrown when a Hessian is not finite, or not positive definite even with the maximum damping. */
export class HessianError extends PermanentFault {}

/** The factor of a Hessian that SparseGPT reads. Linears with the same input share it. Its owner disposes it. */
export class HessianFactor {
  private onHost?: Promise<Float64Array>;
  private onDevice?: Tensor2D;

  /**
   * @param factor U `[in, in]` with `(H / s + damping I)^-1 = U^T U`, where s is the mean diagonal of H; owned by this object from now on
   * @param damping the damping used: as requested, or more if that was not enough
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

  /** U in float32 in the engine. Must not be disposed by the caller. */
  tensor(): Tensor2D {
    return (this.onDevice ??= this.factor.toFloat32());
  }

  dispose(): void {
    this.factor.dispose();
    this.onDevice?.dispose();
  }
}

/** Maximum damping, relative to the mean diagonal. More would leave nothing of H. */
const maxDamping = 100;
/** The first damping that is tried if none was requested but some is needed. */
const minDamping = 1e-8;

/**
 * Computes the upper Cholesky factor of the inverse of the damped Hessian (Frantar and Alistarh 2023, section 3.3).
 * If it does not exist, the damping is multiplied by ten until it does.
 *
 * Damping is relative to the mean diagonal of the inputs that are not dead. Dead inputs get this mean as their diagonal. (The
 * paper's code gives them 1, regardless of the unit of the activations.)
 *
 * @param hessian a sum of `x x^T`, `[in, in]`, in any scale; not changed
 * @param damping relative to the mean diagonal, >= 0
 * @param name of the linear, for error messages
 * @returns the factor, which the caller disposes
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
  // If all inputs are dead, any scale will do.
  const scale = dead.length === squares.length ? 1 : trace / (squares.length - dead.length);
  if (scale > 0) {
    for (let used = damping; used <= maxDamping; used = Math.max(used * 10, minDamping)) {
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
 * Returns the factor for uncorrelated inputs of equal size, for use when too few tokens were seen. Scores then depend on `|W|` alone, and
 * kept weights do not compensate for pruned ones.
 * @returns the factor, which the caller disposes
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
