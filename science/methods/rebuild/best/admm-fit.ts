import { tf } from '../../../engine/index.js';
import type { Tensor2D } from '../../../engine/index.js';
import { weightOf } from '../../../models/sub-block.js';
import type { LinearSpec, Weights } from '../../../models/types.js';
import { admm } from '../../parts/admm.js';
import type { AdmmBudget } from '../../parts/admm.js';
import type { SubBlockFit } from '../../parts/fit-sub-block.js';
import { maskOf } from '../../parts/masked-weights.js';
import type { Masks } from '../../parts/masked-weights.js';
import type { Pattern } from '../../parts/pattern.js';
import { dampingPerInput } from './recipe.js';

export interface AdmmFit {
  dense: Weights;
  /** Each row keeps the same number of weights as in these masks. With N:M the pattern gives the number. */
  masks: Masks;
  pattern: Pattern;
  /** Number of tokens in the sums. */
  tokens: number;
  /** Rounds values to what the checkpoint will hold. */
  round: (linear: string, values: Float32Array) => Float32Array;
}

/** Finds masks and values together, by ADMM. Linears that read the same input are stacked by rows and share the inverses. */
export function admmFit({ dense, masks, pattern, tokens, round }: AdmmFit): SubBlockFit['fit'] {
  return async (linears, moments, targets) => {
    const start = tf.concat(linears.map(({ name }) => weightOf<Tensor2D>(dense, name)), 0);
    const together = tf.concat([...targets], 0);
    const damping = dampingOf(linears[0].shape[1], tokens);
    const budget: AdmmBudget = pattern.kind === 'N:M' ? pattern : Uint32Array.from(linears.flatMap((linear) => prunedByRow(linear, masks)));
    const name = linears.map((linear) => linear.name).join(', ');
    try {
      const { mask, weight } = await admm({ ...moments, targets: together, start, damping, budget, name });
      let to = 0;
      return linears.map((linear) => {
        const from = to;
        to += linear.shape[0] * linear.shape[1];
        return { mask: mask.slice(from, to), values: round(linear.name, weight.slice(from, to)) };
      });
    } finally {
      tf.dispose([start, together]);
    }
  };
}

/** The damping that pulls weights to the dense ones, as a share of the mean square of the inputs. At least SparseGPT's damping. */
function dampingOf(inputs: number, tokens: number): number {
  return Math.max(0.01, (dampingPerInput * inputs) / Math.max(1, tokens));
}

function prunedByRow({ name, shape: [outputs, inputs] }: LinearSpec, masks: Masks): number[] {
  const mask = maskOf(masks, name);
  return Array.from({ length: outputs }, (_, row) => {
    let kept = 0;
    for (let i = row * inputs; i < (row + 1) * inputs; i++) kept += mask[i];
    return inputs - kept;
  });
}
