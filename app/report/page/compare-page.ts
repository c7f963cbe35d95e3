/** The page of a comparison, as one HTML file. */
import { html } from 'hono/html';
import { lineSign } from '../charts/colors.js';
import { compareChart, runColor } from '../charts/compare-chart.js';
import { chartSvg } from '../charts/svg.js';
import { formatInteger } from '../format.js';
import { differenceText, isBetter, valueText } from '../view/compare-text.js';
import type { ComparedErrors, ComparedMask, ComparedNumber, CompareView } from '../view/compare-view.js';
import { shortKind } from '../view/linear-kinds.js';
import { chartOf, documentOf, type Piece } from './document.js';
import { heat } from './heat.js';

/**
 * Renders the page. The same view gives the same bytes.
 * @param pages the pages of the runs, relative to this page
 */
export async function renderComparePage(view: CompareView, pages: readonly string[]): Promise<string> {
  return documentOf(view.runs.map(({ label, name }) => `${name} (${label})`).join(' against '), html`
${head(view, pages)}
<div class="cards">
${numbersSection(view)}
${settingsSection(view)}
${errorsSection(view)}
${view.masks.map((mask) => maskSection(mask))}
${notMasksSection(view)}
</div>`);
}

function head({ runs }: CompareView, pages: readonly string[]): Piece {
  return html`<header>
<h1>${runs.map(({ name }, run) => html`${run === 0 ? '' : ' against '}<bdi>${name}</bdi> ${sign(run)}`)}</h1>
<p class="note">${new Set(runs.map(({ model }) => model)).size === 1 ? html`All prune <bdi>${runs[0].model}</bdi>.` : 'They prune different models.'} Differences are relative to ${runs[0].label}.</p>
<ul class="runs">${runs.map(({ label, id }, run) => html`<li>${sign(run)} ${label} <a href="${pages[run].split('/').map(encodeURIComponent).join('/')}"><bdi>${id}</bdi></a></li>`)}</ul>
</header>`;
}

const sign = (run: number): Piece => html`<span style="color:${runColor(run)}">${lineSign(run)[1]}</span>`;

function numbersSection({ numbers, runs }: CompareView): Piece {
  // For two runs, differences have their own column; for more, each is below its number.
  const isPair = runs.length === 2;
  const difference = (number: ComparedNumber, run: number): Piece => {
    const good = isBetter(number, run);
    return html`<span class="${good === undefined ? '' : good ? 'good' : 'bad'}">${differenceText(number, run)}</span>`;
  };
  const cell = (number: ComparedNumber, run: number): Piece => html`<td class="n">${valueText(number.kind, number.values[run])}${isPair || run === 0 ? '' : html`<br><small>${difference(number, run)}</small>`}</td>`;
  return html`<section class="half"><h2>Numbers</h2><p class="note">Green is better than in A, red is worse.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Numbers"><table>
<thead><tr><th scope="col">number</th>${runs.map(({ label }) => html`<th scope="col" class="n">${label}</th>`)}${isPair ? html`<th scope="col" class="n">B − A</th>` : ''}</tr></thead>
<tbody>${numbers.map((number) => html`<tr><td><bdi>${number.name}</bdi></td>${number.values.map((_, run) => cell(number, run))}${isPair ? html`<td class="n">${difference(number, 1)}</td>` : ''}</tr>`)}</tbody>
</table></div></section>`;
}

function settingsSection({ settings, runs, unknown }: CompareView): Piece {
  const told = unknown.length === 0 ? '' : ` Those of ${unknown.join(', ')} are unknown: a run without a lock does not record them.`;
  const isTold = runs.length - unknown.length > 1;
  return html`<section class="half"><h2>Settings that differ</h2>
<p class="note">From the locks of the runs, defaults included. Files with the same content count as equal.${told}${isTold && settings.length === 0 ? ' No setting differs.' : ''}</p>
${settings.length === 0 ? '' : html`<div class="scroll" tabindex="0" role="region" aria-label="Settings that differ"><table>
<thead><tr><th scope="col">setting</th>${runs.map(({ label }) => html`<th scope="col">${label}</th>`)}</tr></thead>
<tbody>${settings.map(({ path, values }) => html`<tr><td class="setting"><code>${path}</code></td>${values.map((value) => html`<td class="path"><bdi>${value ?? '–'}</bdi></td>`)}</tr>`)}</tbody>
</table></div>`}</section>`;
}

function errorsSection({ errors, runs }: CompareView): Piece | string {
  if (errors.length === 0) return '';
  return html`<section><h2>Error left, layer by layer</h2>
<p class="note">After the rebuild: mean squared difference between the output of the sub-block and its target, on each run's own calibration text. Runs whose targets differ (docs/methods.md) cannot be compared by this error.</p>
<div class="panels">${errors.map((one) => errorsPanel(one))}</div>
<div class="legend">${runs.map(({ label }, run) => html`<span><b>${sign(run)}</b>${label}</span>`)}</div>
<details><summary>Table of all layers</summary>${errors.map(({ block, layers, left }) => html`<h3>${block}</h3><div class="scroll" tabindex="0" role="region" aria-label="Error left, ${block}"><table>
<thead><tr><th scope="col">layer</th>${runs.map(({ label }) => html`<th scope="col" class="n">${label}</th>`)}</tr></thead>
<tbody>${layers.map((layer, row) => html`<tr><th scope="row">${layer}</th>${left.map((own) => html`<td class="n">${valueText('number', own[row])}</td>`)}</tr>`)}</tbody></table></div>`)}</details></section>`;
}

function errorsPanel(errors: ComparedErrors): Piece {
  const svg = chartSvg(`left${errors.block.replace(/[^a-z]/gi, '')}`, compareChart(errors), { width: 480, height: 290 });
  return html`<div><h3>${errors.block}</h3>${chartOf(svg, `Error left in the ${errors.block} sub-blocks over the layers, with a line for each run`)}</div>`;
}

function maskSection({ label, layers, kinds, cells, total }: ComparedMask): Piece {
  const least = Math.min(...cells.flat().filter((value) => value !== undefined));
  const shade = (value: number): string => heat('initial', least < 1 ? (1 - value) / (1 - least) : 0);
  return html`<section class="half"><h2>Similarity of the masks of A and ${label}</h2>
<p class="note">Jaccard index: of the weights that at least one of them keeps, the share that both keep; 1 if the masks are the same. In total ${total.jaccard.toFixed(4)}: from A to ${label}, ${formatInteger(total.grown)} weights grow and ${formatInteger(total.pruned)} are pruned. Browner cells are less similar.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Jaccard index of A and ${label} by layer and linear"><table class="heat">
<thead><tr><th scope="col">layer</th>${kinds.map((kind) => html`<th scope="col">${shortKind(kind)}</th>`)}</tr></thead>
<tbody>${layers.map((layer, row) => html`<tr><th scope="row">${layer}</th>${cells[row].map((value) => (value === undefined ? html`<td></td>` : html`<td style="${shade(value)}">${value.toFixed(3)}</td>`))}</tr>`)}</tbody>
</table></div></section>`;
}

function notMasksSection({ notMasks }: CompareView): Piece | string {
  if (notMasks.length === 0) return '';
  return html`<section class="half"><h2>Masks that are not compared</h2><ul>${notMasks.map(({ label, why }) => html`<li>${label}: ${why}</li>`)}</ul></section>`;
}
