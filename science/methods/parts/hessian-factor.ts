import { PermanentFault } from '../../../errors/fault.js';
import { invertCholesky } from './cholesky.js';
import { PruningInputError } from './errors.js';

/** Thrown when a Hessian is not finite, or so far from positive definite that no damping in bounds makes it so. */
export class HessianError extends PermanentFault {}

/** What SparseGPT reads of a Hessian. Linears that share their input share it. */
export interface HessianFactor {
  inputs: number;
  /** U `[in, in]` with `(H / s + damping I)^-1 = U^T U`, s being the mean diagonal of H. Only its upper triangle is defined. */
  upper: Float64Array;
  /** The damping that was used: what was asked for, or more where that did not suffice. */
  damping: number;
  /** Inputs that are always zero, ascending. */
  dead: Uint32Array;
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
 * @param hessian symmetric `[in, in]`, row-major, in any scale; not changed
 * @param damping relative to the mean diagonal, >= 0
 * @param name of the linear, for error messages
 * @throws HessianError, PruningInputError
 */
export async function factorHessian(
  hessian: Float32Array | Float64Array,
  inputs: number,
  damping: number,
  name = 'linear',
): Promise<HessianFactor> {
  if (hessian.length !== inputs * inputs) {
    throw new PruningInputError({ where: `Hessian of ${name}`, what: `${hessian.length} numbers`, expected: `${inputs} x ${inputs}` });
  }
  if (!(damping >= 0 && damping <= maxDamping)) {
    throw new PruningInputError({ where: name, what: `damping of ${damping}`, expected: `a number from 0 to ${maxDamping}` });
  }
  checkHessian(hessian, inputs, name);
  const dead: number[] = [];
  let trace = 0;
  for (let i = 0; i < inputs; i++) {
    const value = hessian[i * inputs + i];
    if (value === 0) dead.push(i);
    trace += value;
  }
  // All dead: any scale will do.
  const scale = dead.length === inputs ? 1 : trace / (inputs - dead.length);
  if (scale > 0) {
    const upper = new Float64Array(inputs * inputs);
    for (let used = damping; used <= maxDamping; used = Math.max(used * 10, leastDamping)) {
      // Turned end for end, H = R R^T with an upper R becomes a common Cholesky factorisation, and U = R^-1.
      for (let i = 0, j = upper.length - 1; i < upper.length; i++, j--) upper[j] = hessian[i] / scale;
      for (const i of dead) isolate(upper, inputs, inputs - 1 - i);
      for (let i = 0; i < upper.length; i += inputs + 1) upper[i] += used;
      if (await invertCholesky(upper, inputs)) return { inputs, upper: upper.reverse(), damping: used, dead: Uint32Array.from(dead) };
    }
  }
  throw new HessianError({
    where: `Hessian of ${name}`,
    what: `it is not positive definite, not even with damping of ${maxDamping} times its mean diagonal ${scale}`,
    expected: 'a sum of x x^T',
    remedy: 'Check that the Hessian is the one of this linear, and the checkpoint for overflowing weights.',
  });
}

/** Row and column `index` of the identity. They are zero already where the matrix is a sum of x x^T. */
function isolate(matrix: Float64Array, size: number, index: number): void {
  matrix.fill(0, index * size, (index + 1) * size);
  for (let i = index; i < matrix.length; i += size) matrix[i] = 0;
  matrix[index * (size + 1)] = 1;
}

function checkHessian(hessian: Float32Array | Float64Array, inputs: number, name: string): void {
  for (let i = 0; i < hessian.length; i++) {
    if (Number.isFinite(hessian[i])) continue;
    throw new HessianError({
      where: `Hessian of ${name}`,
      what: `${hessian[i]} at row ${Math.floor(i / inputs)}, column ${i % inputs}`,
      expected: 'finite numbers',
      remedy: 'Check the checkpoint for NaN or overflowing weights.',
    });
  }
}
