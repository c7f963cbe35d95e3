/** Computes numbers for pictures of a mask from its packed bits. */
import { countKept } from '../../../files/masks/index.js';

/** A linear's mask in tiles, for a picture. */
export interface MaskTiles {
  width: number;
  height: number;
  /** Share of the weights kept in each tile, 0 to 1, row by row. */
  kept: Float64Array;
  /** Smallest and largest of these shares. Tiles of many weights differ little, so they are shown relative to these two. */
  range: readonly [number, number];
}

/** Maximum number of tiles on a side. More would be finer than a page shows. */
const maxTiles = 64;

/**
 * Counts the weights kept in each row of a linear.
 *
 * @param bits packed, 1 = kept, lowest bit first, row-major
 * @param shape `[out, in]`
 */
export function keptByRow(bits: Uint8Array, [out, inputs]: readonly [number, number]): Uint32Array {
  return Uint32Array.from({ length: out }, (_, row) => countKept(bits, row * inputs, (row + 1) * inputs));
}

/** A linear's mask in at most 64 x 64 tiles of nearly equal size. */
export function maskTiles(bits: Uint8Array, [out, inputs]: readonly [number, number]): MaskTiles {
  const [width, height] = [Math.min(inputs, maxTiles), Math.min(out, maxTiles)];
  const kept = new Float64Array(width * height);
  const weights = new Float64Array(width * height);
  for (let row = 0, bit = 0; row < out; row++) {
    const line = Math.floor((row * height) / out) * width;
    for (let column = 0; column < inputs; column++, bit++) {
      const tile = line + Math.floor((column * width) / inputs);
      kept[tile] += (bits[bit >>> 3] >>> (bit & 7)) & 1;
      weights[tile]++;
    }
  }
  const shares = kept.map((count, tile) => count / weights[tile]);
  return { width, height, kept: shares, range: [shares.reduce((least, share) => Math.min(least, share)), shares.reduce((most, share) => Math.max(most, share))] };
}

/** Counts rows by their sparsity, in bins of equal width from 0 to 1. The last bin includes 1. */
export class RowHistogram {
  static readonly bins = 20;
  readonly counts = new Array<number>(RowHistogram.bins).fill(0);

  add(kept: Uint32Array, inputs: number): void {
    for (const count of kept) {
      const sparsity = 1 - count / inputs;
      this.counts[Math.min(RowHistogram.bins - 1, Math.floor(sparsity * RowHistogram.bins))]++;
    }
  }
}
