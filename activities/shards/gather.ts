import { ArtifactStore, type Json } from '../../files/artifacts/index.js';
import type { Gathered } from '../../science/methods/index.js';
import { advanceLayer } from '../advance-layer.js';
import { dropOlder } from '../drop-older.js';
import { pathPrefix } from '../hidden-paths.js';
import type { Path, RunContext, UnitResult } from '../types.js';
import type { Workbench } from '../workbench.js';
import { writeSums } from './sum-files.js';

/** Finds the sums of a shard in the store, or computes them. */
export async function findOrGather(context: RunContext, dependsOn: Json, bench: Workbench, gather: () => Promise<Gathered>): Promise<UnitResult> {
  const sums = ArtifactStore.key('sums', dependsOn);
  await dropOlder(context, bench.store, 'sums', sums);
  const { manifest, reused } = await bench.store.findOrMake('sums', dependsOn, async (draft) => {
    const gathered = await gather();
    try {
      return await writeSums(draft, await gathered.download());
    } finally {
      gathered.dispose();
    }
  });
  // Not earlier: if the upload failed, the next attempt needs the local copy.
  bench.temporaryCopies.note('sums', sums);
  return { seconds: manifest.seconds, reused };
}

/** Runs the path's last layer, unless its output is already there. */
export async function advanceTo(context: RunContext, path: Path, bench: Workbench): Promise<void> {
  const layer = path.masks.length - 1;
  if (layer >= 0) await advanceLayer({ context, layer, path: pathPrefix(path, layer), mask: path.masks[layer] }, bench);
}
