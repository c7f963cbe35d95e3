import { tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import { linearsOf } from '../../../models/linears.js';
import { masksOf } from '../../parts/masked-weights.js';
import { reconstructionTargets } from '../../parts/reconstruct/index.js';
import { changes } from '../../parts/working-masks.js';
import { eachSubBlock } from '../each-sub-block.js';
import type { RebuildRequest, RebuildRun, SubBlockEntry } from '../method.js';
import type { SubBlockRebuild, SubBlockResult } from '../sub-block.js';
import { DensePath } from './dense-path.js';
import { fitStep } from './fit-step.js';
import { rebuildMasksOnly } from './masks-only.js';
import type { settings } from './method.js';
import { defaultEffort, heldOutShare, recipes, type Recipe } from './recipe.js';
import { reconstructionStep } from './reconstruction-step.js';
import { roundsStep } from './rounds-step.js';
import { sequencesIn } from './windows.js';

type Request = RebuildRequest<typeof settings>;
type Fitted = Omit<SubBlockResult, 'report'> & { report: Omit<SubBlockEntry, 'block'> & { forwards: number } };

/**
 * Runs the steps that measured best, in this order: LLM-Barber's rounds on the masks of a sub-block, ADMM for the masks and values of its
 * linears, and when all sub-blocks are done, reconstruction of the layer. A step is kept only if it lowers the error of windows that it
 * does not learn from.
 */
export const run: RebuildRun<typeof settings> = async (request) => {
  const { layer, hidden, denseHidden, dense, start, common, round, onProgress } = request;
  const effort = request.settings.effort ?? defaultEffort;
  if (common.weights !== 'refit') return rebuildMasksOnly(request, effort);
  const recipe = recipes[effort];
  const { denseShare } = recipe;
  const heldOut = Math.floor(sequencesIn(hidden) * heldOutShare);
  const path = denseHidden && DensePath.open(layer, dense, denseHidden);
  try {
    const made = await eachSubBlock(
      { ...request, hidden: hidden.map((h) => h.clone()), start: { masks: new Map(start.masks), updates: start.updates } },
      1,
      (own, onDecision) => rebuildSubBlock(request, { own, recipe, heldOut, path, onDecision }),
      { guarded: true, targets: () => reconstructionTargets({ layer, dense, hidden, denseHidden, share: denseShare }) },
    );
    const { masks, entries } = made;
    const updates = new Map(made.updates);
    let stream = made.hidden;
    if (recipe.epochs > 0) {
      onProgress('reconstruction');
      const few = new Set(layer.subBlocks.flatMap((subBlock, index) => (entries[index].few ? linearsOf(subBlock).map(({ name }) => name) : [])));
      const trained = await reconstructionStep({ ...recipe, layer, dense, hidden, denseHidden, masks, updates, heldOut, round, fixed: few });
      if (trained.after !== undefined) {
        for (const [name, values] of trained.updates) updates.set(name, values);
        tf.dispose(stream);
        stream = trained.after;
      }
      entries.forEach((entry) => { entry.forwards = (entry.forwards ?? 0) + trained.forwards; });
      entries[entries.length - 1].reconstruction = trained.entry;
    }
    const denseAfter = (await path?.before())?.map((h) => h.clone());
    return { hidden: stream, ...(denseAfter && { denseHidden: denseAfter }), masks, updates, entries };
  } finally {
    path?.dispose();
    tf.dispose([hidden, denseHidden ?? []].flat());
  }
};

interface Step {
  own: SubBlockRebuild;
  recipe: Recipe;
  heldOut: number;
  path: DensePath | undefined;
  onDecision: (decision: string) => void;
}

/** Runs rounds, if the recipe has them, and then the fit. Disposes the stream before the sub-block. */
async function rebuildSubBlock({ dense, pattern, common, round }: Request, { own, recipe, heldOut, path, onDecision }: Step): Promise<Fitted> {
  const { subBlock } = own;
  const hidden = own.hidden as Tensor3D[];
  let start = { masks: own.masks, updates: own.updates };
  let rounds: Pick<SubBlockEntry, 'rounds'> & { forwards: number } = { forwards: 0 };
  if (recipe.rounds !== undefined && pattern.kind !== 'N:M') {
    onDecision('rounds');
    const made = await roundsStep({ subBlock, hidden, dense, start, pattern, common, budget: recipe.rounds });
    start = { masks: made.pruned.masks, updates: made.pruned.updates };
    rounds = { rounds: made.rounds, forwards: made.forwards };
  }
  onDecision('masks and weights');
  const denseHidden = await path?.before(subBlock);
  const { state, after, denseAfter, entry } = await fitStep({ subBlock, hidden, denseHidden, denseShare: recipe.denseShare, heldOut, dense, start, pattern, round });
  tf.dispose(hidden);
  if (denseAfter !== undefined) path?.passed(subBlock, denseAfter);
  const changed = changes(masksOf(linearsOf(subBlock), own.masks), state.masks);
  const report = { ...entry, ...changed, ...rounds, forwards: entry.forwards + rounds.forwards };
  return { hidden: after, masks: state.masks, ...(state.updates && { updates: new Map(state.updates) }), report };
}
