import { encode } from 'fast-png';
import type { MaskTiles } from '../view/mask-view.js';

/** Shades that a tile may have. Few, so that pictures stay small: a page has dozens. */
const shades = 15;

/** Of kept weights. It is seen on a light and on a dark page alike. */
const kept = [20, 148, 136] as const;

/** The tiles as a PNG in a data URL: one color, clear where fewest weights are kept, full where most are. */
export function maskPicture({ width, height, kept: shares, range: [least, most] }: MaskTiles): string {
  const data = new Uint8Array(4 * shares.length);
  for (const [tile, share] of shares.entries()) {
    const strength = most === least ? share : (share - least) / (most - least);
    data.set([...kept, Math.round((Math.round(strength * shades) / shades) * 255)], 4 * tile);
  }
  const png = encode({ width, height, data, channels: 4, depth: 8 });
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}
