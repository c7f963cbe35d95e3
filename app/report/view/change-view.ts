/** Shows where a rebuild changed the mask, and where the remaining error is. */
import { linearBlock } from '../../../science/models/linear-kinds.js';
import type { RebuildEntry } from '../../../workflows/protocol.js';
import type { SparsityMap } from './run-view.js';

export interface ChangeView {
  layers: number[];
  blocks: string[];
  /** By layer, then by kind of sub-block; undefined if a layer has no such entry. */
  cells: (ChangeCell | undefined)[][];
  /** The sub-block with the largest remaining error. */
  worst: { layer: number; block: string; error: number };
}

export interface ChangeCell {
  grown: number;
  pruned: number;
  /** Grown weights as a share of the sub-block's weights; undefined if these are not known. */
  share?: number;
  /** Share, up to 1, of the remaining error of all sub-blocks of this kind. Kinds have different outputs, so their errors are not added. */
  error: number;
}

/** @returns undefined if nothing was rebuilt */
export function changeView(entries: readonly RebuildEntry[], map: SparsityMap | undefined): ChangeView | undefined {
  if (entries.length === 0) return undefined;
  const layers = [...new Set(entries.map(({ layer }) => layer))].sort((a, b) => a - b);
  const blocks = [...new Set(entries.map(({ block }) => block))];
  const left = (block: string): number => entries.filter((entry) => entry.block === block).reduce((sum, { errorAfter }) => sum + errorAfter, 0);
  const totals = new Map(blocks.map((block) => [block, left(block)]));
  const weights = weightsByBlock(map);
  const cellOf = (layer: number, block: RebuildEntry['block']): ChangeCell | undefined => {
    const entry = entries.find((one) => one.layer === layer && one.block === block);
    if (entry === undefined) return undefined;
    const [total, all] = [totals.get(block) ?? 0, weights.get(`${layer} ${block}`)];
    return { grown: entry.grown, pruned: entry.pruned, ...(all !== undefined && { share: entry.grown / all }), error: total === 0 ? 0 : entry.errorAfter / total };
  };
  const worst = entries.reduce((most, entry) => (entry.errorAfter > most.errorAfter ? entry : most));
  return {
    layers, blocks, cells: layers.map((layer) => blocks.map((block) => cellOf(layer, block))),
    worst: { layer: worst.layer, block: worst.block, error: worst.errorAfter },
  };
}

function weightsByBlock(map: SparsityMap | undefined): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [row, layer] of (map?.layers ?? []).entries()) {
    for (const cell of map?.cells[row] ?? []) {
      if (cell === undefined) continue;
      const key = `${layer} ${linearBlock(cell.name)}`;
      sums.set(key, (sums.get(key) ?? 0) + cell.weights);
    }
  }
  return sums;
}
