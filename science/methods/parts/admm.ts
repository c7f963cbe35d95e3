import { tf } from '../../engine/index.js';
import type { Tensor2D } from '../../engine/index.js';
import { checkBudget, isPattern, type AdmmBudget } from './admm-budget.js';
import { selectionOf, type Rows, type Selection } from './admm-selection.js';
import { fitKept, type MaskedLeastSquares } from './masked-least-squares.js';
import { raiseRidge, ridgeInverse } from './ridge-inverse.js';
import { unitDiagonal, type UnitDiagonal } from './unit-diagonal.js';

export type { AdmmBudget } from './admm-budget.js';

export interface AdmmRequest extends Omit<MaskedLeastSquares, 'mask'> {
  budget: AdmmBudget;
  /** At least 1. Default: 30. */
  iterations?: number;
  /** Name of the linear, for error messages. */
  name?: string;
}

export interface AdmmResult {
  /** `[out, in]`, 1 = kept. */
  mask: Uint8Array;
  /** The fitted weights `[out, in]`. Pruned weights and weights of inputs that are always zero are +0. */
  weight: Float32Array;
  /** Number of inputs that are always zero. */
  dead: number;
}

const defaultIterations = 30;
/** The first rho, for products that are scaled to a unit diagonal. */
const firstRho = 0.1;
const rhoGrowth = 1.3;
/** Number of values of rho. Each is used for the same number of iterations. */
const rhos = 10;

/**
 * Finds mask and weights together by the alternating direction method of multipliers (ALPS, Meng et al. 2024, algorithm 1; Boza 2024).
 * It minimises `sum ||W x - y||^2 + damping m ||W - start||^2` over all W within the budget, where m is the mean square of the inputs.
 * Let A and T be the products and targets of the problem, scaled to a unit diagonal ({@link unitDiagonal}). Each iteration is
 *
 *     B <- (T - V + rho Z) (A + rho I)^-1,    Z <- the largest of S = B + V / rho,    V <- V + rho (B - Z)
 *
 * starting from Z = start and V = 0. rho starts at 0.1 and is multiplied by 1.3 after every three of 30 iterations. Pruning is gradual
 * in the first half of the iterations: after t of these h iterations, `1 - (1 - t / h)^3` of the budget is pruned. With N:M all of
 * the budget is pruned, but pruned entries keep `1 - t / h` of their value. The support of the last Z is the mask. Ten steps of
 * conjugate gradients then fit the weights on it.
 *
 * V + rho (B - Z) equals rho (S - Z), and Z is S times 1 where kept and times a smaller factor where pruned. So only S and the mask
 * are carried to the next iteration.
 *
 * Weights of inputs that are always zero have score 0, so they are pruned first. Ties go to the lower position.
 *
 * @throws HessianError, NonFiniteScoreError, PatternError, PruningInputError
 */
export async function admm(request: AdmmRequest): Promise<AdmmResult> {
  const { targets, budget, iterations = defaultIterations, weightsAtOnce = 2 ** 24, name = 'linear' } = request;
  const [outputs, inputs] = targets.shape;
  checkBudget(budget, name, [outputs, inputs]);
  const problem = await unitDiagonal(request);
  const height = Math.max(1, Math.floor(weightsAtOnce / inputs));
  const chunks = chunksOf(problem, height);
  tf.dispose([problem.targets, problem.start]);
  const selection = selectionOf(budget, [outputs, inputs]);
  let rho = firstRho;
  let inverse: Tensor2D | undefined;
  try {
    inverse = await ridgeInverse(problem.products, rho, name);
    const perRho = Math.ceil(iterations / rhos);
    const gradual = Math.floor(iterations / 2);
    // The factor of pruned entries in Z, and the rho that V was computed with.
    let fade = 0;
    let before = rho;
    for (let step = 0; step < iterations; step++) {
      if (step > 0 && step % perRho === 0) {
        rho *= rhoGrowth;
        inverse = raiseRidge(problem.products, inverse, before, rho);
      }
      for (const chunk of chunks) advance(chunk, selection, { fade, before, rho, inverse });
      const left = Math.max(0, 1 - (step + 1) / gradual);
      await selection.choose(chunks, 1 - left ** 3);
      fade = isPattern(budget) ? left : 0;
      before = rho;
    }
    await selection.check(chunks, `ADMM score of ${name}`);
    inverse.dispose();
    const mask = selection.mask();
    return { mask, weight: await fit(problem, chunks, selection, mask), dead: problem.dead };
  } finally {
    selection.dispose();
    tf.dispose([problem.products, ...chunks.flatMap((chunk) => [chunk.targets, chunk.state]), ...(inverse === undefined ? [] : [inverse])]);
  }
}

/** Some rows. Their state is S; before the first iteration it is the start. */
interface Chunk extends Rows {
  /** `[rows, in]` */
  targets: Tensor2D;
}

function chunksOf({ targets, start }: UnitDiagonal, height: number): Chunk[] {
  const [outputs, inputs] = targets.shape;
  return Array.from({ length: Math.ceil(outputs / height) }, (_, index) => {
    const row = index * height;
    const slice = (whole: Tensor2D): Tensor2D => whole.slice([row, 0], [Math.min(height, outputs - row), inputs]);
    return { row, targets: slice(targets), state: slice(start) };
  });
}

interface Step {
  fade: number;
  before: number;
  rho: number;
  inverse: Tensor2D;
}

/** Computes the next S from the current S and mask. With `Z = S z`, V is `before S (1 - z)`. */
function advance(chunk: Chunk, selection: Selection, { fade, before, rho, inverse }: Step): void {
  const { state, targets } = chunk;
  chunk.state = tf.tidy(() => {
    const z = selection.kept(chunk).mul(1 - fade).add(fade);
    const pull = state.mul(z.mul(rho + before).sub(before));
    return tf.matMul<Tensor2D>(targets.add(pull), inverse).add<Tensor2D>(state.mul(tf.sub(1, z)).mul(before / rho));
  });
  state.dispose();
}

/** Returns the weights on the mask that minimise the damped error, scaled back from the unit diagonal. */
async function fit({ products, scale }: UnitDiagonal, chunks: readonly Chunk[], selection: Selection, mask: Uint8Array): Promise<Float32Array> {
  const inputs = scale.length;
  const weight = new Float32Array(mask.length);
  const squares = tf.tensor1d(new Float32Array(inputs).fill(1));
  for (const chunk of chunks) {
    const { row, targets, state } = chunk;
    const fitted = tf.tidy(() => fitKept({ products, squares, targets, start: state, kept: selection.kept(chunk), damping: 0 }));
    const values = await fitted.data<'float32'>();
    fitted.dispose();
    const from = row * inputs;
    for (let i = 0; i < values.length; i++) weight[from + i] = mask[from + i] === 1 ? values[i] / scale[i % inputs] + 0 : 0;
  }
  squares.dispose();
  return weight;
}
