/** The mask as pictures: tiles of some layers, and how sparse the rows of all linears are. */
import { html } from 'hono/html';
import type { Proof } from '../../../files/masks/index.js';
import { maskPicture } from '../charts/mask-picture.js';
import { grouped } from '../figures.js';
import { keptByRow, maskTiles, RowHistogram } from '../view/mask-view.js';
import type { LinearView, SparsityMap } from '../view/run-view.js';
import type { Piece } from './document.js';

/** The packed bits of a linear's mask. */
export type MaskReader = (name: string) => Promise<Uint8Array>;

export interface MasksView {
  layers: { layer: number; pictures: { linear: LinearView; src: string }[] }[];
  /** Rows of all linears by sparsity, in bins of 5 %. */
  rows: readonly number[];
}

/** Up to so many layers all are shown; of more, the first, the middle and the last. */
const allLayers = 4;

/** Reads every linear once, one at a time. */
export async function readMasks({ layers, cells }: SparsityMap, { linears }: Proof, read: MaskReader): Promise<MasksView> {
  const shapes = new Map(linears.map(({ name, shape }) => [name, shape]));
  const shown = new Set(layers.length <= allLayers ? layers : [layers[0], layers[layers.length >> 1], layers[layers.length - 1]]);
  const histogram = new RowHistogram();
  const view: MasksView = { layers: [], rows: histogram.counts };
  for (const [index, layer] of layers.entries()) {
    const pictures: MasksView['layers'][number]['pictures'] = [];
    for (const linear of cells[index]) {
      const shape = linear && shapes.get(linear.name);
      if (linear === undefined || shape === undefined) continue;
      const bits = await read(linear.name);
      histogram.add(keptByRow(bits, shape), shape[1]);
      if (shown.has(layer)) pictures.push({ linear, src: maskPicture(maskTiles(bits, shape)) });
    }
    if (pictures.length > 0) view.layers.push({ layer, pictures });
  }
  return view;
}

export function maskSection({ layers }: MasksView): Piece {
  return html`<section><h2>The mask itself</h2>
<p class="note">Share of weights kept, in at most 64 × 64 tiles a linear: green is kept, blank is pruned. Stripes are rows or columns that the method spared or gave up.</p>
${layers.map(({ layer, pictures }) => html`<h3>layer ${layer}</h3><div class="masks" style="--linears:${pictures.length}">${pictures.map(({ linear: { name, kind, sparsity }, src }) => html`<figure>
<div class="frame"><img src="${src}" alt="Mask of ${name}"></div><figcaption>${kind}<br>${(100 * sparsity).toFixed(1)} % zeros</figcaption></figure>`)}</div>`)}</section>`;
}

export function rowsSection({ rows }: MasksView): Piece {
  const most = Math.max(1, ...rows);
  const total = rows.reduce((sum, count) => sum + count, 0);
  return html`<section class="half"><h2>Sparsity of rows</h2>
<p class="note">How many of the ${grouped(total)} rows of all linears have how many zeros.</p>
<div class="hist" role="img" aria-label="Histogram of the sparsity of rows">${rows.map((count, bin) => html`<i style="height:${((100 * count) / most).toFixed(1)}%" title="${bin * 5} to ${bin * 5 + 5} %: ${grouped(count)} rows"></i>`)}</div>
<div class="ends"><span>0 %</span><span>50 %</span><span>100 %</span></div>
<p class="note">${emptyRows(rows)}</p></section>`;
}

function emptyRows(rows: readonly number[]): string {
  const [dense, sparse] = [rows[0], rows[rows.length - 1]];
  const text = (count: number): string => (count === 1 ? '1 row has' : `${grouped(count)} rows have`);
  return `${text(dense)} less than 5 % zeros, ${text(sparse)} 95 % or more.`;
}
