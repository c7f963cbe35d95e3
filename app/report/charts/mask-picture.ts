import { encode } from 'fast-png';
import type { MaskTiles } from '../view/mask-view.js';

/** Number of shades of a tile. Few, so that pictures stay small: a page has dozens. */
const shades = 15;

/** Color of kept weights. It is visible on light and dark pages. */
const kept = [20, 148, 136] as const;

/** Draws the tiles as a PNG in a data URL, in one color: transparent where the fewest weights are kept, opaque where the most are. */
export function maskPicture({ width, height, kept: shares, range: [least, most] }: MaskTiles): string {
  const data = new Uint8Array(4 * shares.length);
  for (const [tile, share] of shares.entries()) {
    const strength = most === least ? share : (share - least) / (most - least);
    data.set([...kept, Math.round((Math.round(strength * shades) / shades) * 255)], 4 * tile);
  }
  const png = encode({ width, height, data, channels: 4, depth: 8 });
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}
