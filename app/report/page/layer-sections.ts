/** The sections on single layers: errors, sparsity, changes of the mask, rounds of the search. */
import { html } from 'hono/html';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { errorsChart } from '../charts/errors-chart.js';
import { roundsChart } from '../charts/rounds-chart.js';
import { chartSvg } from '../charts/svg.js';
import { formatNumber, formatInteger, formatPercent } from '../format.js';
import { rebuildTable } from '../rebuild-table.js';
import { statisticsNote, statisticsRows } from '../statistics-table.js';
import type { ChangeCell, ChangeView } from '../view/change-view.js';
import type { RunView, SparsityMap } from '../view/run-view.js';
import { chartOf, tableOf, type Piece } from './document.js';
import { heat } from './heat.js';

export function errorsSection({ errors: views, change }: RunView): Piece | string {
  if (views.length === 0) return '';
  const worst = change && `The largest error left is in the ${change.worst.block} of layer ${change.worst.layer}: ${formatNumber(change.worst.error)}.`;
  return html`<section><h2>Error of each sub-block, before and after the rebuild</h2>
<p class="note">Mean squared difference between the output of the sub-block and its target, on calibration text. The axis is logarithmic. ${worst}</p>
<div class="panels">${views.map((view) => html`<div><h3>${view.block}</h3>
${chartOf(chartSvg(`errors${view.block}`, errorsChart(view), { width: 540, height: 250 }), `Error of the ${view.block} sub-blocks over the layers, before and after the rebuild`)}</div>`)}</div>
<div class="legend"><span><i style="color:var(--initial)"></i>before</span><span><i style="color:var(--rebuilt)"></i>after</span></div></section>`;
}

/** A smaller deviation from the requested sparsity is due to rounding, and gets less than the full color. */
const visibleDeviation = 0.005;

export function sparsitySection({ layers, kinds, cells, whole, initial, asked, reach }: SparsityMap, wide: boolean): Piece {
  const shade = (sparsity: number): string => {
    const deviation = (sparsity - asked) / Math.max(reach, visibleDeviation);
    return heat(deviation > 0 ? 'rebuilt' : 'initial', Math.abs(deviation));
  };
  return html`<section class="${wide ? '' : 'rest'}"><h2>Where the zeros are</h2>
<p class="note">Sparsity in percent, by layer and linear, then of the whole layer, and of its initial mask before the rebuild. Plain cells have the requested ${formatPercent(asked)}; green cells have more zeros, brown ones fewer.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Sparsity by layer and linear"><table class="heat">
<thead><tr><th scope="col">layer</th>${kinds.map((kind) => html`<th scope="col">${kind}</th>`)}<th scope="col">whole</th><th scope="col">initial</th></tr></thead>
<tbody>${layers.map((layer, row) => html`<tr><th scope="row">${layer}</th>${cells[row].map((cell) =>
    cell === undefined ? html`<td></td>` : html`<td style="${shade(cell.sparsity)}" title="${formatInteger(cell.zeros)} of ${formatInteger(cell.weights)}; ${formatInteger(cell.rows[0])} to ${formatInteger(cell.rows[1])} in a row">${(100 * cell.sparsity).toFixed(1)}</td>`)}${[whole[row], initial[row]].map((share) => html`<td>${share === undefined ? '' : (100 * share).toFixed(1)}</td>`)}</tr>`)}</tbody>
</table></div></section>`;
}

export function changeSection({ layers, blocks, cells }: ChangeView): Piece {
  const all = cells.flat().filter((cell) => cell !== undefined);
  const most = { share: Math.max(...all.map(({ share = 0 }) => share)), error: Math.max(...all.map(({ error }) => error)) };
  const column = (name: 'share' | 'error') => (cell: ChangeCell | undefined): Piece => {
    const value = cell?.[name];
    if (cell === undefined || value === undefined) return html`<td></td>`;
    const tip = name === 'share' ? `${formatInteger(cell.grown)} grown, ${formatInteger(cell.pruned)} pruned` : `${(100 * value).toPrecision(4)} %`;
    return html`<td style="${heat(name === 'share' ? 'rebuilt' : 'initial', most[name] === 0 ? 0 : value / most[name])}" title="${tip}">${(100 * value).toFixed(1)}</td>`;
  };
  return html`<section class="third"><h2>Where the mask changed</h2>
<p class="note">Weights that came back, in percent of the sub-block's weights, and the sub-block's share of the error left in all sub-blocks of its kind.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Changes by layer and sub-block"><table class="heat">
<thead><tr><td></td><th colspan="${blocks.length}" scope="colgroup">came back, %</th><th colspan="${blocks.length}" scope="colgroup">error left, %</th></tr>
<tr><th scope="col">layer</th>${[...blocks, ...blocks].map((block) => html`<th scope="col">${block}</th>`)}</tr></thead>
<tbody>${layers.map((layer, row) => html`<tr><th scope="row">${layer}</th>${cells[row].map(column('share'))}${cells[row].map(column('error'))}</tr>`)}</tbody>
</table></div></section>`;
}

export function rebuildSection({ rebuild: { layers, grown, pruned } }: PipelineResult): Piece | string {
  if (layers.length === 0) return '';
  const { filledColumns: told, rows } = rebuildTable(layers);
  return html`<section><h2>Rebuild, sub-block by sub-block</h2>
<p class="note">${formatInteger(grown)} weights grown, ${formatInteger(pruned)} pruned.</p>
<details><summary>Table of ${layers.length} sub-blocks</summary>
${tableOf('Sub-blocks', rows, 2)}
${told.length === 0 ? '' : html`<ul class="note">${told.map(({ head: name, meaning }) => html`<li>${name}: ${meaning}.</li>`)}<li>Changes in brackets were undone.</li></ul>`}
</details></section>`;
}

export function roundsSection({ rounds: views }: RunView): Piece | string {
  if (views.length === 0) return '';
  const svg = chartSvg('rounds', roundsChart(views), { width: 540, height: 260 });
  return html`<section class="half"><h2>Search, round by round</h2>
<p class="note">Error on held-out windows, as a share of the error at the start, with a line for each sub-block.</p>
${chartOf(svg, 'Held-out error of each sub-block over the rounds of the guarded search')}
<div class="legend"><span><i style="color:var(--rebuilt)"></i>attention</span><span><i style="color:var(--dense)"></i>mlp</span><span><i class="ring" style="color:var(--bad)"></i>undone</span></div></section>`;
}

export function statisticsSection({ initialMask: { linears } }: PipelineResult): Piece | string {
  if (linears.length === 0) return '';
  const rows = statisticsRows(linears);
  return html`<section class="half"><h2>Statistics of inputs</h2>
<p class="note">${statisticsNote}</p>
${tableOf('Statistics of inputs', rows, 2)}</section>`;
}
