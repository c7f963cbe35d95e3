import { outlive, tf, type Tensor3D } from '../../../engine/index.js';
import { linearsOf } from '../../../models/linears.js';
import { addOutputs } from '../../parts/fit-sub-block.js';
import { withUpdates } from '../../parts/masked-weights.js';
import { TokenSums } from '../../parts/token-sums.js';
import { needsGradients, rebuildParts, type OpenWindows, type PartRequest, type StepState } from '../method.js';
import { rebuildBase } from '../rebuild-base.js';
import type { ErrorSum } from '../../parts/sequence-errors.js';
import { CalibrationFolds, type Sparse } from './calibration-folds.js';
import { finalPass } from './final-pass.js';
import { GuardSums } from './guard-sums.js';
import { chooseNext } from './guarded-steps.js';
import { firstState } from '../../parts/sub-block-state.js';
import type { settings } from './method.js';
import { foldCount, gradientAt, roles } from './round-rules.js';
import { guardState, type Question, type Try } from './step-state.js';

type Request = PartRequest<typeof settings>;

/** The residual stream before the sub-block, and its windows in folds. */
class FoldedStream implements OpenWindows {
  constructor(
    readonly hidden: Tensor3D[],
    readonly folds: CalibrationFolds,
  ) {}

  outlive(): void {
    for (const h of this.hidden) outlive(h);
    this.folds.outlive();
  }

  dispose(): void {
    tf.dispose(this.hidden);
    this.folds.dispose();
  }
}

/**
 * A guarded rebuild of a sub-block (guarded-rebuild.ts) from shards of the windows. A round takes two steps: squared gradients, then the errors
 * of the candidates that they give. A refit takes one for the input linears and one for the output linear. The last step measures the errors of
 * all windows. Both ways decide by the same rules (round-rules.ts, round-trials.ts, guarded-refit.ts).
 */
export const parts = rebuildParts<typeof settings, FoldedStream, GuardSums>({
  open: async ({ own, ...windows }) => {
    try {
      return new FoldedStream(windows.hidden, await CalibrationFolds.openShard(windows, foldCount, own));
    } catch (fault) {
      tf.dispose(windows.hidden);
      throw fault;
    }
  },
  gather: async (request, { folds }, state) => {
    const question = guardState(state)?.notes.question ?? firstQuestion(folds.count);
    const errors: ErrorSum[][] = [];
    for (const one of question.tries) errors.push(await under(request, state, one, (sparse) => folds.errorSums(question.judging, sparse)));
    const { subBlock, dense, common: { metric }, pattern } = request;
    if (question.for === 'swaps' && needsGradients(metric)) {
      const at = gradientAt(pattern) === 'dense' ? dense : undefined;
      return new GuardSums({ errors, gradients: await under(request, state, question.tries[0], (sparse) => folds.gradients(question.training, sparse, at)) });
    }
    const fit = { sums: new TokenSums(), tokens: folds.tokens(question.training) };
    const each = (visit: Parameters<CalibrationFolds['each']>[1]): Promise<void> => folds.each(question.training, visit);
    if (question.for === 'inputs') await each((x) => { fit.sums.add(x); });
    if (question.for === 'output') await addOutputs({ subBlock, dense, each }, { masks: state?.masks[0] ?? new Map(), values: state?.values ?? new Map() }, fit.sums);
    return new GuardSums({ errors, fit });
  },
  finish: async (request, windows) => {
    const { hidden, folds } = windows;
    try {
      folds.disposeInputs();
      return await finalPass({ ...request, hidden }, firstState(linearsOf(request.subBlock), request), folds);
    } finally {
      windows.dispose();
    }
  },
  restore: (subBlock, sums) => GuardSums.of(subBlock, sums),
  choose: (request, sums, state) => chooseNext(request, sums, guardState(state)),
});

/** The first step also measures the errors of all windows under the first masks. */
function firstQuestion(folds: number): Question {
  return { for: 'swaps', training: roles(0, folds).training, judging: Array.from({ length: folds }, (_, fold) => fold), tries: [{ mask: 0, values: 'first' }] };
}

/** Runs work under one of the tries. */
async function under<T>(request: Request, state: StepState | undefined, { mask, values }: Try, work: (sparse: Sparse) => Promise<T>): Promise<T> {
  const { subBlock, dense, common } = request;
  const first = firstState(linearsOf(subBlock), request);
  const updates = { first: () => first.updates, base: () => rebuildBase(linearsOf(subBlock), { dense, ...first, ...common }), fitted: () => state?.values };
  return withUpdates(dense, (await updates[values]()) ?? new Map(), (weights) => work({ weights, masks: state?.masks[mask] ?? first.masks }));
}
