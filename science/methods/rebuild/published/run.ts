import { eachSubBlock } from '../each-sub-block.js';
import type { RebuildRun } from '../method.js';
import { wholeRatio, type settings } from './method.js';
import { rebuildSubBlock } from './sub-block-rebuild.js';

/** LLM-Barber as published (Su et al. 2024): one round per sub-block. */
export const run: RebuildRun<typeof settings> = (request) => eachSubBlock(request, request.settings.ratio ?? wholeRatio, rebuildSubBlock);
