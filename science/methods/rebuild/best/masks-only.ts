import { run as runGuarded } from '../guarded/run.js';
import { run as runSwaps } from '../swaps/run.js';
import type { RebuildRequest, RebuildResult, SubBlockEntry } from '../method.js';
import type { Settings } from '../../settings.js';
import { tf } from '../../../engine/index.js';
import { linearsOf } from '../../../models/linears.js';
import { masksOf } from '../../parts/masked-weights.js';
import { changes } from '../../parts/working-masks.js';

/** Finds the best mask if weights keep their values: exact swaps within rows, then LLM-Barber's rounds over the whole sub-block. */
export async function rebuildMasksOnly(request: RebuildRequest<Settings>, budget: number): Promise<RebuildResult> {
  const { layer, hidden, start } = request;
  const swapped = await runSwaps({ ...request, hidden: hidden.map((batch) => batch.clone()), settings: {} });
  tf.dispose(swapped.hidden);
  const made = await runGuarded({ ...request, start: { masks: swapped.masks, updates: swapped.updates }, settings: { budget } });
  const entries = made.entries.map((entry, index): SubBlockEntry => {
    const linears = linearsOf(layer.subBlocks[index]);
    const { errorBefore, forwards: ofSwaps = 0, layerOutput } = swapped.entries[index];
    const ofLayer = entry.layerOutput && layerOutput && { layerOutput: mergeLayerOutputs(layerOutput, entry.layerOutput) };
    return { ...entry, errorBefore, ...changes(masksOf(linears, start.masks), masksOf(linears, made.masks)), ...ofLayer, forwards: ofSwaps + (entry.forwards ?? 0) };
  });
  return { ...made, entries };
}

type LayerOutput = NonNullable<SubBlockEntry['layerOutput']>;

/** Combines the layer outputs of two rebuilds, one after the other. */
function mergeLayerOutputs(first: LayerOutput, second: LayerOutput): LayerOutput {
  const accepted = first.accepted || second.accepted;
  return { errorBefore: first.errorBefore, error: second.accepted || !accepted ? second.error : second.errorBefore, accepted };
}
