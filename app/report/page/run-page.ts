/** The page of a finished run, as one HTML file. */
import { html } from 'hono/html';
import type { PageRequest } from '../../../activities/write-report.js';
import type { Pipeline } from '../../config/pipeline.js';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { pluralize, formatDuration, formatNumber, formatInteger, formatPercent } from '../format.js';
import { failedGates } from '../gates.js';
import { moneyText } from '../money.js';
import { runView, type PerplexityView, type RunView } from '../view/run-view.js';
import { documentOf, numberOf, type Piece } from './document.js';
import { changeSection, errorsSection, statisticsSection, rebuildSection, roundsSection, sparsitySection } from './layer-sections.js';
import { maskSection, readMasks, rowsSection } from './mask-section.js';
import { accuracySection, gatesSection, perplexitySection } from './quality-sections.js';
import { timelineSection } from './timeline-section.js';
import { costsSection, filesSection, incidentsSection, originSection, timeSection, useSection } from './work-sections.js';

/** Renders the page. The same request gives the same bytes. @throws what reading the mask throws */
export async function renderRunPage({ result, pipeline, pruned }: PageRequest): Promise<string> {
  const view = runView(result, pruned?.proof);
  const masks = pruned && view.map && (await readMasks(view.map, pruned.proof, pruned.readBits));
  return documentOf(view.title, html`
${head(view, result)}
${numbers(view, result, pipeline)}
<div class="cards">
${perplexitySection(view.perplexity)}
${accuracySection(result)}
${gatesSection(result)}
${errorsSection(view)}
${view.map ? sparsitySection(view.map, view.change === undefined) : ''}
${view.change ? changeSection(view.change) : ''}
${roundsSection(view)}
${masks ? rowsSection(masks) : ''}
${masks ? maskSection(masks) : ''}
${rebuildSection(result)}
${statisticsSection(result)}
${timeSection(view, result)}
${view.timeline ? timelineSection(view.timeline) : ''}
${costsSection(result)}
${incidentsSection(result)}
${filesSection(view.files)}
${useSection(result)}
${originSection(result, pipeline)}
</div>`);
}

function head({ title }: RunView, { model, engine, pattern, gates = [], ...result }: PipelineResult): Piece {
  const size = `${formatInteger(model.parameters)} parameters, ${pluralize(model.layers, 'layer')}`;
  const failed = failedGates({ gates }).length;
  return html`<header>
<h1><bdi>${title}</bdi></h1>
<p class="note"><bdi>${model.repo ?? model.source.split('/').at(-1) ?? model.source}</bdi> · ${model.family} · ${size}</p>
<div class="tags">
<span class="tag good">✓ done</span>
${gates.length === 0 ? '' : html`<span class="tag ${failed === 0 ? 'good' : 'bad'}">${failed === 0 ? `✓ ${pluralize(gates.length, 'gate')} passed` : `✗ ${failed} of ${gates.length} gates failed`}</span>`}
${result.incidents === undefined ? '' : html`<span class="tag">${pluralize(result.incidents.length, 'incident')} survived</span>`}
<span class="tag">${pattern}</span>
<span class="tag">${engine.backend} · ${engine.device} · ${pluralize(engine.threads, 'thread')}</span>
</div>
</header>`;
}

function numbers({ perplexity: [first], sparsity, weights, seconds }: RunView, { reused, rebuild }: PipelineResult, pipeline: Pipeline): Piece {
  const price = moneyText(seconds, pipeline);
  const found = reused === 0 ? '' : `; ${pluralize(reused, 'piece')} found in the store`;
  return html`<dl class="numbers">
${first === undefined ? '' : perplexityNumber(first)}
${first?.gap === undefined ? '' : numberOf('Gap closed', `${(100 * first.gap).toFixed(1)} %`, "share of the initial mask's damage that the rebuild undid")}
${sparsity === undefined ? '' : numberOf('Sparsity', formatPercent(sparsity.found), html`asked ${formatPercent(sparsity.asked)} · ${sparsity.pattern} · <b class="good">proved ✓</b>`)}
${weights === undefined ? '' : numberOf('Weights kept', formatInteger(weights.kept), `of ${formatInteger(weights.all)}; rebuild: ${formatInteger(rebuild.grown)} grown, ${formatInteger(rebuild.pruned)} pruned`)}
${numberOf('Cost', formatDuration(seconds), `of work, ${formatNumber(seconds / 3600)} device hours${price === undefined ? '' : `, ${price}`}${found}`)}
</dl>`;
}

function perplexityNumber({ dataset, states }: PerplexityView): Piece {
  const valueOf = (name: string): number | undefined => states.find(({ state }) => state === name)?.value;
  const [dense, initial, rebuilt] = ['dense', 'initial', 'rebuilt'].map(valueOf);
  const last = rebuilt ?? initial ?? dense ?? NaN;
  const before = rebuilt !== undefined && initial !== undefined ? html`<span class="initial">${formatNumber(initial)}</span> → ` : '';
  const above = dense === undefined || last === dense ? 'of the dense model' : `dense ${formatNumber(dense)} · ${Math.abs(100 * (last / dense - 1)).toFixed(1)} % ${last < dense ? 'below' : 'above'} it`;
  return html`<div class="number"><dt>Perplexity, <bdi>${dataset}</bdi></dt><dd class="big">${before}<span class="rebuilt">${formatNumber(last)}</span></dd>
<dd class="small">${dense === undefined ? 'the dense model was not evaluated' : above}</dd></div>`;
}
