import { tf } from '../../../engine/index.js';
import { linearsOf } from '../../../models/linears.js';
import { eachSubBlock } from '../each-sub-block.js';
import type { RebuildRun } from '../method.js';
import { wholeRatio, type settings } from './method.js';
import { rebuildSubBlock } from './sub-block-rebuild.js';

/** LLM-Barber as published (Su et al. 2024): one round per sub-block. No sub-block reads the weights of an earlier one. */
export const run: RebuildRun<typeof settings> = (request) =>
  eachSubBlock(request, request.settings.ratio ?? wholeRatio, async (own) => {
    const made = await rebuildSubBlock(own);
    if (request.lastUse === true) tf.dispose(linearsOf(own.subBlock).map(({ name }) => own.dense.get(name)));
    return made;
  });
