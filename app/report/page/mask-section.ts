/** The mask as pictures: tiles of some layers, and the sparsity of the rows of all linears. */
import { html } from 'hono/html';
import type { Proof } from '../../../files/masks/index.js';
import { maskPicture } from '../charts/mask-picture.js';
import { pluralize, formatInteger, formatPercent } from '../format.js';
import { expertOf } from '../view/linear-kinds.js';
import { keptByRow, maskTiles, RowHistogram } from '../view/mask-view.js';
import type { LinearView, SparsityMap } from '../view/run-view.js';
import type { Piece } from './document.js';

/** Reads the packed bits of a linear's mask. */
export type MaskReader = (name: string) => Promise<Uint8Array>;

interface MaskPicture {
  /** Of all experts together, if the linear is an expert's. */
  linear: LinearView;
  /** Of the linear in the picture. */
  sparsity: number;
  /** Index of the expert in the picture; absent if it is not an expert's. */
  expert?: string;
  src: string;
  /** Shares of kept weights in the palest and in the darkest tile. */
  range: readonly [number, number];
}

export interface MasksView {
  layers: { layer: number; pictures: MaskPicture[] }[];
  /** Number of rows of all linears by sparsity, in bins of 5 %. */
  rows: readonly number[];
}

/** Up to this number, all layers are shown; otherwise the first, the middle and the last. */
const allLayers = 4;

/** Reads each linear once, one at a time. The pictures show one expert of each layer, the histogram has the rows of all. */
export async function readMasks({ layers, cells }: SparsityMap, { linears }: Proof, read: MaskReader): Promise<MasksView> {
  const shown = new Set(layers.length <= allLayers ? layers : [layers[0], layers[layers.length >> 1], layers[layers.length - 1]]);
  const histogram = new RowHistogram();
  const view: MasksView = { layers: [], rows: histogram.counts };
  const pictured = new Map(layers.flatMap((layer, index) => (shown.has(layer) ? cells[index] : [])).filter((linear) => linear !== undefined).map((linear) => [linear.name, linear]));
  const pictures = new Map<string, MaskPicture>();
  for (const { name, shape, zeros, weights } of linears) {
    const bits = await read(name);
    histogram.add(keptByRow(bits, shape), shape[1]);
    const linear = pictured.get(name);
    if (linear === undefined) continue;
    const tiles = maskTiles(bits, shape);
    const expert = expertOf(name);
    pictures.set(name, { linear, sparsity: zeros / weights, ...(expert !== undefined && { expert }), src: maskPicture(tiles), range: tiles.range });
  }
  for (const [index, layer] of layers.entries()) {
    const own = cells[index].flatMap((linear) => (linear === undefined ? [] : pictures.get(linear.name) ?? []));
    if (own.length > 0) view.layers.push({ layer, pictures: own });
  }
  return view;
}

export function maskSection({ layers }: MasksView): Piece {
  // The first and the last layer differ most. Those between them are folded.
  const ends = layers.length <= 2 ? layers : [layers[0], layers[layers.length - 1]];
  const between = layers.filter((layer) => !ends.includes(layer));
  return html`<section><h2>The mask itself</h2>
<p class="note">Weights kept, in at most 64 × 64 tiles per linear. The tile that keeps the most weights is full green, the one that keeps the fewest is clear. Rows are outputs, columns are inputs. Stripes are outputs or inputs that the method mostly kept or mostly pruned.</p>
${ends.map(layerPictures)}
${between.length === 0 ? '' : html`<details><summary>${between.length === 1 ? `Layer ${between[0].layer}` : `${between.length} layers between`}</summary>${between.map(layerPictures)}</details>`}</section>`;
}

export function rowsSection({ rows }: MasksView): Piece {
  const most = Math.max(1, ...rows);
  const total = rows.reduce((sum, count) => sum + count, 0);
  return html`<section class="half"><h2>Sparsity of rows</h2>
<p class="note">The ${formatInteger(total)} rows of all linears, by their share of zeros. ${edgeRows(rows)}</p>
<div class="hist" role="img" aria-label="Histogram of the sparsity of rows">${rows.map((count, bin) => html`<i style="height:${((100 * count) / most).toFixed(1)}%" title="${bin * 5} to ${bin * 5 + 5} %: ${formatInteger(count)} rows"></i>`)}</div>
<div class="ends"><span>0 %</span><span>25 %</span><span>50 %</span><span>75 %</span><span>100 % zeros</span></div></section>`;
}

function layerPictures({ layer, pictures }: MasksView['layers'][number]): Piece {
  return html`<h3>layer ${layer}</h3><div class="masks" style="--kinds:${pictures.length}">${pictures.map(({ linear: { name, kind }, sparsity, expert, src, range: [least, most] }) => html`<figure>
<img src="${src}" alt="Mask of ${name}" title="Tiles keep ${formatPercent(least)} to ${formatPercent(most)} of their weights"><figcaption>${kind}${expert === undefined ? '' : `, expert ${expert}`}<br>${(100 * sparsity).toFixed(1)} % zeros</figcaption></figure>`)}</div>`;
}

function edgeRows(rows: readonly number[]): string {
  const [dense, sparse] = [rows[0], rows[rows.length - 1]];
  return `${pluralize(dense, 'row')} with less than 5 % zeros, ${pluralize(sparse, 'row')} with 95 % or more.`;
}
