import { ArtifactLostError } from '../../files/artifacts/index.js';
import { dropOlder } from '../drop-older.js';
import type { ArtifactKey, UnitResult } from '../types.js';
import type { Workbench } from '../workbench.js';
import { currentMasks } from './rebuild-keys.js';
import type { GatherSubBlockInput, LayerMade } from './types.js';

export const removedMeanwhile = 'it was removed while it was used';

/**
 * Does a part of a layer's work, unless the layer's rebuilt masks are in the store. Another run of this store may finish the layer at the
 * same time, and remove the artifacts that this part needs.
 * @param mask key of the layer's rebuilt masks
 * @throws ArtifactLostError if an artifact is gone although the layer is not finished
 */
export async function unlessMade<Done extends UnitResult>({ context, state, ...masks }: Pick<GatherSubBlockInput, 'context' | 'start' | 'blocks' | 'state'>, mask: ArtifactKey, { store }: Workbench, work: () => Promise<Done>): Promise<LayerMade | (Done & { made: false })> {
  const made: LayerMade = { seconds: 0, reused: true, made: true };
  await dropOlder(context, store, 'mask', mask);
  const isMade = async (): Promise<boolean> => (await store.find('mask', mask)) !== undefined;
  if (await isMade()) return made;
  try {
    // Before hidden states are taken out of memory.
    const current = currentMasks(masks);
    for (const needed of state === undefined ? [current] : [current, state]) {
      if ((await store.find('mask', needed)) === undefined) throw new ArtifactLostError('mask', needed, removedMeanwhile);
    }
    return { ...(await work()), made: false };
  } catch (error) {
    if (error instanceof ArtifactLostError && (await isMade())) return made;
    throw error;
  }
}
