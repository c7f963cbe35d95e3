/** The quality of the model: perplexity and accuracy by state, and the quality gates. */
import { html } from 'hono/html';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { accuracyRows, questionsText } from '../accuracies.js';
import { formatNumber } from '../format.js';
import { gateRows } from '../gates.js';
import { gateMargins } from '../view/gates-view.js';
import type { PerplexityView } from '../view/run-view.js';
import { tableOf, type Piece } from './document.js';

export function perplexitySection(views: readonly PerplexityView[]): Piece | string {
  if (views.length === 0) return '';
  const most = Math.max(...views.flatMap(({ states }) => states.map(({ value }) => Math.log(value))));
  return html`<section class="half"><h2>Perplexity by state</h2><p class="note">Lower is better. Bars are logarithmic and start at 1.</p>
${views.map(({ dataset, states, gap }) => html`<h3><bdi>${dataset}</bdi>${gap === undefined ? '' : ` · gap closed ${(100 * gap).toFixed(1)} %`}</h3>
<div class="bars">${states.map(({ state, value }) => html`<span>${state}</span>
<span class="bar"><i style="width:${barWidth(value, most)}%;background:var(--${state})"></i></span>
<span class="v">${formatNumber(value)}</span>`)}</div>`)}</section>`;
}

/** Width in percent of the longest bar. A perplexity that is not a number gets the longest bar. */
function barWidth(value: number, most: number): string {
  if (!Number.isFinite(most)) return Number.isFinite(value) ? '5' : '100';
  return most <= 0 ? '0' : ((100 * Math.max(0, Math.log(value))) / most).toFixed(2);
}

export function accuracySection(result: PipelineResult): Piece | string {
  const rows = accuracyRows(result);
  if (rows.length === 0) return '';
  return html`<section class="half"><h2>Zero-shot accuracy</h2>
<p class="note">In percent, with standard errors.${rows[0].includes('chance') ? ' Chance is the accuracy of guessing.' : ''} Documents: ${questionsText(result)}.</p>${tableOf('Zero-shot accuracy', rows)}</section>`;
}

export function gatesSection({ gates = [], sparsity }: PipelineResult): Piece | string {
  if (gates.length === 0) return '';
  const margins = gateMargins(gates);
  const [[...heading], ...rows] = gateRows(gates, sparsity);
  const cell = (text: string, column: number, passed: boolean): Piece =>
    html`<td class="${column === 0 ? '' : 'n'}">${column === 3 ? html`<b class="${passed ? 'good' : 'bad'}">${text}</b>` : text}</td>`;
  return html`<section class="half"><h2>Quality gates</h2><p class="note">Conditions that the result must meet. Margin: the distance to the limit, as a share of the limit.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Quality gates"><table><thead><tr>${[...heading.slice(0, 3), 'verdict', 'margin'].map((name, column) => html`<th scope="col" class="${column === 0 ? '' : 'n'}">${name}</th>`)}</tr></thead>
<tbody>${rows.map((row, index) => html`<tr>${row.map((text, column) => cell(text, column, gates[index].passed))}<td class="n">${marginText(margins[index])}</td></tr>`)}</tbody></table></div></section>`;
}

const marginText = (margin: number | undefined): string => (margin === undefined ? '' : `${margin > 0 ? '+' : ''}${Number((100 * margin).toPrecision(3))} %`);
