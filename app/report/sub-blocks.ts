/** Names the sub-blocks of a rebuild for reports, and combines the experts of a layer. */
import type { RebuildEntry } from '../../workflows/protocol.js';

/** `attention`, `mlp`, `expert 3` */
export function subBlockName({ block, expert }: Pick<RebuildEntry, 'block' | 'expert'>): string {
  return expert === undefined ? block : `${block} ${expert}`;
}

/** Combines all experts of a layer into one entry. Their errors are means over all tokens of the layer, so they can be added. */
export function mergeExperts(entries: readonly RebuildEntry[]): RebuildEntry[] {
  const together = new Map<string, RebuildEntry>();
  for (const entry of entries) {
    const key = `${entry.layer} ${entry.block}`;
    const before = together.get(key);
    together.set(key, before === undefined || entry.expert === undefined ? entry : added(before, entry));
  }
  return [...together.values()];
}

function added(a: RebuildEntry, b: RebuildEntry): RebuildEntry {
  return {
    layer: a.layer, block: a.block,
    errorBefore: a.errorBefore + b.errorBefore, errorAfter: a.errorAfter + b.errorAfter,
    grown: a.grown + b.grown, pruned: a.pruned + b.pruned,
  };
}
