import { tf } from '../../../engine/index.js';
import type { Tensor2D, Tensor3D } from '../../../engine/index.js';
import { linearsOf } from '../../../models/linears.js';
import { weightOf } from '../../../models/sub-block.js';
import type { LinearSpec, Weights } from '../../../models/types.js';
import { admm } from '../../parts/admm.js';
import type { AdmmBudget } from '../../parts/admm.js';
import { fitSubBlock } from '../../parts/fit-sub-block.js';
import type { FittedLinear } from '../../parts/fit-sub-block.js';
import type { Moments } from '../../parts/masked-least-squares.js';
import { maskOf, withUpdates } from '../../parts/masked-weights.js';
import type { Masks } from '../../parts/masked-weights.js';
import type { Pattern } from '../../parts/pattern.js';
import { refitSubBlock } from '../../parts/refit.js';
import { changes } from '../guarded/guard.js';
import type { State } from '../guarded/guard.js';
import type { SubBlockEntry } from '../method.js';
import { SubBlockWindows } from './windows.js';
import type { Pruned, WindowsRequest } from './windows.js';

export interface FitStep extends Omit<WindowsRequest, 'heldOut'> {
  start: Pruned;
  pattern: Pattern;
  /** `admm` looks for a new mask and its values; `refit` fits values to the mask of the start. */
  how: 'admm' | 'refit';
  round: (linear: string, values: Float32Array) => Float32Array;
}

export interface FittedStep {
  /** Masks and values as they stand after the step. */
  state: State;
  /** The residual streams after the sub-block. */
  after: Tensor3D[];
  denseAfter?: Tensor3D[];
  entry: SubBlockEntry;
}

const X = process.env;
/** Fits a sub-block to its target, and keeps the fit if that lowers the error of held-out windows. */
export async function fitStep(request: FitStep): Promise<FittedStep> {
  const { subBlock, start, hidden } = request;
  const linears = linearsOf(subBlock);
  const first: State = {
    masks: new Map(linears.map(({ name }) => [name, maskOf(start.masks, name)])),
    updates: new Map(linears.flatMap(({ name }) => (start.updates?.has(name) === true ? [[name, start.updates.get(name) as Float32Array]] : []))),
  };
  const sequences = hidden.reduce((sum, { shape: [batch] }) => sum + batch, 0);
  const heldOut = Math.floor(sequences * Number(X['HOLD'] ?? 0.125));
  const { windows, denseAfter } = await SubBlockWindows.open({ ...request, heldOut });
  try {
    const before = await windows.run(first);
    const fitted = await fit(request, windows);
    const now = await windows.run(fitted);
    const accepted = now.heldOut < before.heldOut || X['GUARD'] === '0';
    const state = accepted ? fitted : first;
    const { after, error: errorAfter } = accepted ? now : before;
    tf.dispose(accepted ? before.after : now.after);
    const entry = { block: subBlock.block, errorBefore: before.error, errorAfter, ...changes(first.masks, state.masks), refit: { errorBefore: before.heldOut, error: now.heldOut, accepted } };
    return { state, after, ...(denseAfter && { denseAfter }), entry };
  } finally {
    windows.dispose();
  }
}

async function fit({ subBlock, dense, start, pattern, how, round }: FitStep, windows: SubBlockWindows): Promise<State> {
  const each = windows.each.bind(windows);
  const { tokens } = windows;
  if (how === 'refit') {
    return withUpdates(dense, start.updates ?? new Map(), async (from) => ({
      masks: new Map(linearsOf(subBlock).map(({ name }) => [name, maskOf(start.masks, name)])),
      updates: await refitSubBlock({ subBlock, dense, masks: start.masks, start: from, each, tokens, round }),
    }));
  }
  const fitted = await fitSubBlock({
    subBlock, dense, each,
    fit: (linears, moments, targets) => fitTogether(linears, moments, targets, { dense, budgets: linears.map((linear) => budgetOf(linear, start.masks, pattern)), round }),
  });
  return {
    masks: new Map([...fitted].map(([name, { mask }]) => [name, mask])),
    updates: new Map([...fitted].map(([name, { values }]) => [name, values])),
  };
}

/** Share of the mean diagonal that is added to the moments, as in SparseGPT. */
const damping = Number(process.env['DAMP'] ?? 0.01);

/** Linears that read the same input are solved one above the other: they share the inverses. */
async function fitTogether(
  linears: readonly LinearSpec[],
  moments: Moments,
  targets: readonly Tensor2D[],
  { dense, budgets, round }: { dense: Weights; budgets: readonly Uint32Array[] | readonly AdmmBudget[]; round: FitStep['round'] },
): Promise<FittedLinear[]> {
  const start = tf.concat(linears.map(({ name }) => weightOf<Tensor2D>(dense, name)), 0);
  const together = tf.concat([...targets], 0);
  try {
    const { mask, weight } = await admm({ ...moments, targets: together, start, damping, budget: joined(budgets), name: linears.map(({ name }) => name).join(', ') });
    let from = 0;
    return linears.map(({ name, shape }) => {
      const to = from + shape[0] * shape[1];
      const made = { mask: mask.slice(from, to), values: round(name, weight.slice(from, to)) };
      from = to;
      return made;
    });
  } finally {
    tf.dispose([start, together]);
  }
}

/** Each row keeps as many weights as it has at the start, which keeps every budget but that of columns. */
function budgetOf({ name, shape: [outputs, inputs] }: LinearSpec, masks: Masks, pattern: Pattern): AdmmBudget {
  if (pattern.kind === 'N:M') return pattern;
  const mask = maskOf(masks, name);
  return Uint32Array.from({ length: outputs }, (_, row) => {
    let pruned = 0;
    for (let i = row * inputs; i < (row + 1) * inputs; i++) pruned += 1 - mask[i];
    return pruned;
  });
}

function joined(budgets: readonly AdmmBudget[]): AdmmBudget {
  if (!budgets.every((budget) => budget instanceof Uint32Array)) return budgets[0];
  const all = new Uint32Array(budgets.reduce((sum, { length }) => sum + length, 0));
  let from = 0;
  for (const rows of budgets) {
    all.set(rows, from);
    from += rows.length;
  }
  return all;
}
