import { tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import { linearsOf } from '../../../models/linears.js';
import { fitSubBlock, valuesOf } from '../../parts/fit-sub-block.js';
import type { Pattern } from '../../parts/pattern.js';
import { refitForwards } from '../../parts/refit.js';
import { firstState } from '../../parts/sub-block-state.js';
import type { SubBlockEntry } from '../method.js';
import { admmFit } from './admm-fit.js';
import { SubBlockWindows } from './windows.js';
import type { State } from '../../parts/sub-block-state.js';
import type { WindowsRequest } from './windows.js';

export interface FitStep extends WindowsRequest {
  start: State;
  pattern: Pattern;
  /** Rounds values to what the checkpoint will hold. */
  round: (linear: string, values: Float32Array) => Float32Array;
}

export interface FittedStep {
  /** Masks and values after the step. */
  state: State;
  /** The residual streams after the sub-block. */
  after: Tensor3D[];
  denseAfter?: Tensor3D[];
  entry: Omit<SubBlockEntry, 'block' | 'grown' | 'pruned'> & { forwards: number };
}

/** Fits masks and values of a sub-block to its target, and keeps them if they lower the error of held-out windows. */
export async function fitStep(request: FitStep): Promise<FittedStep> {
  const { subBlock, start } = request;
  const first = firstState(linearsOf(subBlock), start);
  const { windows, denseAfter } = await SubBlockWindows.open(request);
  try {
    const before = await windows.run(first);
    const fitted = await fit(request, windows);
    const now = await windows.run(fitted);
    const accepted = now.heldOut < before.heldOut;
    const state = accepted ? fitted : first;
    const { after, error: errorAfter } = accepted ? now : before;
    tf.dispose(accepted ? before.after : now.after);
    const entry = {
      errorBefore: before.error, errorAfter,
      refit: { errorBefore: before.heldOut, error: now.heldOut, accepted },
      // Targets on one or both paths, a sparse forward before and after the fit, and the fit itself.
      forwards: (denseAfter === undefined ? 3 : 4) + refitForwards(subBlock),
    };
    return { state, after, ...(denseAfter && { denseAfter }), entry };
  } finally {
    windows.dispose();
  }
}

async function fit({ subBlock, dense, start, pattern, round }: FitStep, windows: SubBlockWindows): Promise<State> {
  const fitted = await fitSubBlock({
    subBlock, dense,
    each: (visit) => windows.each(visit),
    fit: admmFit({ dense, masks: start.masks, pattern, tokens: windows.tokens, round }),
  });
  const { masks, values } = valuesOf(fitted);
  return { masks, updates: values };
}
