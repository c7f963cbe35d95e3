import { tf } from '../../../engine/index.js';
import { linearsOf } from '../../../models/linears.js';
import type { RebuildRun, SubBlockEntry } from '../method.js';
import { masksOf } from '../../parts/masked-weights.js';
import { changes } from '../../parts/working-masks.js';
import { fitStep } from './fit-step.js';
import { masksAlone } from './masks-alone.js';
import type { settings } from './method.js';
import { defaultEffort, heldOutShare, recipes } from './recipe.js';
import { reconstructionStep } from './reconstruction-step.js';
import { roundsStep } from './rounds-step.js';
import { sequencesIn } from './windows.js';

/**
 * What measures best, in this order: LLM-Barber's rounds on the masks of a sub-block, mask and values of its linears by ADMM, and when
 * both sub-blocks are done, reconstruction of the layer. Each step stands only if it lowers the error of windows that it has not seen.
 */
export const run: RebuildRun<typeof settings> = async (request) => {
  const { layer, hidden, denseHidden, dense, start, pattern, common, round, onProgress } = request;
  const effort = request.settings.effort ?? defaultEffort;
  if (common.weights !== 'refit') return masksAlone(request, effort);
  const recipe = recipes[effort];
  const masks = new Map(start.masks);
  const updates = new Map<string, Float32Array>();
  const entries: (SubBlockEntry & { forwards: number })[] = [];
  const heldOut = Math.floor(sequencesIn(hidden) * heldOutShare);
  let streams = { hidden, denseHidden };
  for (const subBlock of layer.subBlocks) {
    const { block } = subBlock;
    let from = start;
    let rounds: Pick<SubBlockEntry, 'rounds'> & { forwards: number } = { forwards: 0 };
    if (recipe.rounds !== undefined && pattern.kind !== 'N:M') {
      onProgress(`${block}, rounds`);
      const made = await roundsStep({ subBlock, hidden: streams.hidden, dense, start, pattern, common, budget: recipe.rounds });
      from = made.pruned;
      rounds = { rounds: made.rounds, forwards: made.forwards };
    }
    onProgress(`${block}, masks and weights`);
    const { state, after, denseAfter, entry } = await fitStep({ subBlock, ...streams, denseShare: recipe.denseShare, heldOut, dense, start: from, pattern, round });
    if (streams.hidden !== hidden) tf.dispose([streams.hidden, streams.denseHidden ?? []].flat());
    streams = { hidden: after, denseHidden: denseAfter };
    for (const [name, mask] of state.masks) masks.set(name, mask);
    for (const [name, values] of state.updates ?? []) updates.set(name, values);
    const changed = changes(masksOf(linearsOf(subBlock), start.masks), state.masks);
    entries.push({ ...entry, ...changed, ...rounds, forwards: entry.forwards + rounds.forwards });
  }
  if (recipe.epochs > 0) {
    onProgress('reconstruction');
    const made = await reconstructionStep({ ...recipe, layer, dense, hidden, denseHidden, masks, updates, heldOut, round });
    if (made.after !== undefined) {
      for (const [name, values] of made.updates) updates.set(name, values);
      tf.dispose(streams.hidden);
      streams = { ...streams, hidden: made.after };
    }
    entries.forEach((entry) => { entry.forwards += made.forwards; });
    entries[entries.length - 1].reconstruction = made.entry;
  }
  tf.dispose([hidden, denseHidden ?? []].flat());
  return { ...streams, masks, updates, entries };
};
