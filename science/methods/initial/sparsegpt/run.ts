import { tf } from '../../../engine/index.js';
import { factorHessian, type HessianFactor } from '../../parts/hessian-factor.js';
import { HessianSum } from '../../parts/hessian.js';
import { layerForward } from '../../parts/layer-forward.js';
import { plainHessian, TokenCounts } from '../../parts/routed-tokens.js';
import { defaultDamping } from '../damping.js';
import { eachLinear, notesOfFew } from '../each-linear.js';
import type { InitialRun, StatisticsNote } from '../method.js';
import type { settings } from './method.js';
import { sparseGpt } from './sparsegpt.js';

/** SparseGPT (Frantar and Alistarh 2023): Hessians of all linears from one forward of the layer while it is dense. */
export const run: InitialRun<typeof settings> = async ({ layer, weights, hidden, targetOf, settings: { damping = defaultDamping }, minTokens, round, onProgress }) => {
  const hessians = new HessianSum();
  const counts = new TokenCounts(minTokens);
  tf.dispose(await layerForward({ layer, hidden, weights, keepInput: true, onInput: hessians.add, onSubBlock: counts.add }));
  const few = counts.few();
  const updates = new Map<string, Float32Array>();
  const notes: StatisticsNote[] = notesOfFew(few);
  let shared: { hessian: Float64Array; factor: HessianFactor } | undefined;
  const masks = await eachLinear(layer, weights, async ({ name, shape, ...linear }, weight) => {
    onProgress(name);
    const hessian = few.has(name) ? plainHessian({ shape }) : hessians.of(name);
    // Linears that read the same input have the same Hessian, and factoring it costs most.
    if (shared?.hessian !== hessian) shared = { hessian, factor: await factorHessian(hessian, shape[1], damping, name) };
    const made = await sparseGpt({ weight, shape, hessian: shared.factor, target: targetOf({ name, shape, ...linear }), name });
    updates.set(name, round(name, made.weight));
    if (made.damping > damping || made.dead > 0) notes.push({ linear: name, damping: made.damping, deadInputs: made.dead });
    return made.mask;
  });
  return { masks, updates, notes };
};
