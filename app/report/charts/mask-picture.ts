import { encode } from 'fast-png';
import type { MaskTiles } from '../view/mask-view.js';

/** Shades that a tile may have. Few, so that pictures stay small: a page has dozens. */
const shades = 15;

/** A green that stands out on light and dark paper. */
const keptColor = [18, 140, 128] as const;

/** The tiles as a PNG in a data URL: the more of a tile is kept, the more of its color is there; the paper shows through the rest. */
export function maskPicture({ width, height, kept }: MaskTiles): string {
  const data = new Uint8Array(4 * width * height);
  kept.forEach((share, tile) => { data.set([...keptColor, Math.round((Math.round(share * shades) / shades) * 255)], 4 * tile); });
  const png = encode({ width, height, data, channels: 4, depth: 8 });
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}
