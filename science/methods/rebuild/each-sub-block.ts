import type { Tensor3D } from '../../engine/index.js';
import type { SubBlock } from '../../models/index.js';
import { mergeMasks } from '../parts/working-masks.js';
import type { Settings } from '../settings.js';
import type { RebuildRequest, RebuildResult, SubBlockEntry } from './method.js';
import type { SubBlockRebuild, SubBlockResult } from './published/sub-block-rebuild.js';

type Rebuilt = Omit<SubBlockResult, 'report'> & { report: Omit<SubBlockEntry, 'block'> };

/** Rebuilds the sub-blocks of a layer one after the other, each on what the one before it puts out. */
export async function eachSubBlock<S extends Settings>(
  { layer, hidden, dense, start, pattern, common, onProgress }: RebuildRequest<S>,
  ratio: number,
  rebuild: (request: SubBlockRebuild, where: (decision: string) => void) => Promise<Rebuilt>,
): Promise<RebuildResult> {
  let { masks } = start;
  const updates = new Map<string, Float32Array>();
  const entries: SubBlockEntry[] = [];
  let stream: Tensor3D[] = hidden;
  for (const subBlock of layer.subBlocks) {
    const { block }: SubBlock = subBlock;
    onProgress(block);
    const made = await rebuild({ subBlock, hidden: stream, dense, ...start, settings: { ...common, ratio, pattern } }, (decision) => { onProgress(`${block}, ${decision}`); });
    stream = made.hidden;
    masks = mergeMasks(masks, made.masks);
    for (const [name, values] of made.updates ?? []) updates.set(name, values);
    entries.push({ block, ...made.report });
  }
  return { hidden: stream, masks, updates, entries };
}
