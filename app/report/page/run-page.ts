/** The page of a finished run: one HTML file. */
import { html } from 'hono/html';
import type { PageRequest } from '../../../activities/write-report.js';
import type { PipelineResult } from '../../../workflows/protocol.js';
import type { Pipeline } from '../../config/pipeline.js';
import { accuracyRows, questionsText } from '../accuracies.js';
import { errorsChart } from '../charts/errors-chart.js';
import { roundsChart } from '../charts/rounds-chart.js';
import { chartSvg } from '../charts/svg.js';
import { duration, figure, grouped, percent } from '../figures.js';
import { gateRows } from '../gates.js';
import { originRows } from '../origin-rows.js';
import { pipelineFile } from '../pipeline-file.js';
import { rebuildTable } from '../rebuild-table.js';
import { describeStage } from '../stages-text.js';
import { runView, type FileView, type PerplexityView, type RunView, type SparsityMap } from '../view/run-view.js';
import { chartOf, documentOf, tableOf, type Piece } from './document.js';
import { maskSection, readMasks, rowsSection } from './mask-section.js';

/** The same request gives the same bytes. @throws what reading the mask throws */
export async function renderRunPage({ result, pipeline, pruned }: PageRequest): Promise<string> {
  const view = runView(result, pruned?.proof);
  const masks = pruned && view.map && await readMasks(view.map, pruned.proof, pruned.readBits);
  return documentOf(view.title, html`
${head(view, result)}
${numbers(view, result)}
<div class="cards">
${gates(result)}
${perplexity(view.perplexity)}
${time(view, result)}
${accuracies(result)}
${errors(view)}
${view.map ? sparsityMap(view.map) : ''}
${masks ? maskSection(masks) : ''}
${masks ? rowsSection(masks) : ''}
${rounds(view)}
${hessians(result)}
${rebuilding(result)}
${incidents(result)}
${files(view.files)}
${use(result)}
${origin(result, pipeline)}
</div>`);
}

function head({ title, state }: RunView, { model, engine, pattern, gates: judged = [] }: PipelineResult): Piece {
  const size = `${grouped(model.parameters)} parameters, ${model.layers} layers`;
  const failed = judged.filter(({ passed }) => !passed).length;
  return html`<header>
<h1>${title}</h1>
<p class="note">${model.repo ?? model.source.split('/').at(-1) ?? model.source} · ${model.family} · ${size}</p>
<div class="tags">
<span class="tag good">done</span>
${judged.length === 0 ? '' : html`<span class="tag ${state === 'done' ? 'good' : 'bad'}">${failed === 0 ? `${judged.length} gates passed` : `${failed} of ${judged.length} gates failed`}</span>`}
<span class="tag">${pattern}</span>
<span class="tag">${engine.backend} · ${engine.device} · ${engine.threads} ${engine.threads === 1 ? 'thread' : 'threads'}</span>
</div>
</header>`;
}

function numbers({ perplexity: [first], sparsity, weights, seconds }: RunView, { reused, rebuild }: PipelineResult): Piece {
  return html`<dl class="numbers">
${first === undefined ? '' : perplexityNumber(first)}
${first?.gap === undefined ? '' : number('Gap closed', `${(100 * first.gap).toFixed(1)} %`, "share of the initial mask's damage that the rebuild undid")}
${sparsity === undefined ? '' : number('Sparsity', percent(sparsity.found), `asked ${percent(sparsity.asked)}, ${sparsity.pattern}, proved`)}
${weights === undefined ? '' : number('Weights kept', grouped(weights.kept), `of ${grouped(weights.all)}; ${grouped(rebuild.grown)} grown, ${grouped(rebuild.pruned)} pruned by the rebuild`)}
${number('Cost', duration(seconds), reused === 0 ? 'of work, waiting left out' : `of work; ${grouped(reused)} pieces were found in the store`)}
</dl>`;
}

function number(name: string, value: string, about: string): Piece {
  return html`<div class="number"><dt>${name}</dt><dd class="big">${value}</dd><dd class="small">${about}</dd></div>`;
}

function perplexityNumber({ dataset, states }: PerplexityView): Piece {
  const text = (name: string): string | undefined => {
    const found = states.find(({ state }) => state === name);
    return found && figure(found.value);
  };
  const [dense, initial, rebuilt] = ['dense', 'initial', 'rebuilt'].map(text);
  const last = rebuilt ?? initial ?? dense ?? '';
  const before = rebuilt !== undefined && initial !== undefined ? html`<span class="initial">${initial}</span> → ` : '';
  return html`<div class="number"><dt>Perplexity, ${dataset}</dt><dd class="big">${before}<span class="rebuilt">${last}</span></dd>
<dd class="small">${dense === undefined || last === dense ? 'of the dense model' : `dense ${dense}`}</dd></div>`;
}

function gates({ gates: judged = [], sparsity }: PipelineResult): Piece | string {
  if (judged.length === 0) return '';
  return html`<section><h2>Quality gates</h2><p class="note">What the result must keep.</p>${tableOf(gateRows(judged, sparsity), 1)}</section>`;
}

function perplexity(views: readonly PerplexityView[]): Piece | string {
  if (views.length === 0) return '';
  const most = Math.max(...views.flatMap(({ states }) => states.map(({ value }) => Math.log(value))));
  return html`<section class="half"><h2>Perplexity by state</h2><p class="note">Lower is better. Bars are logarithmic and begin at 1.</p>
${views.map(({ dataset, states, gap }) => html`<h3>${dataset}${gap === undefined ? '' : ` · gap closed ${(100 * gap).toFixed(1)} %`}</h3>
<div class="bars">${states.map(({ state, value }) => html`<span>${state}</span>
<span class="bar"><i style="width:${most <= 0 ? '0' : ((100 * Math.max(0, Math.log(value))) / most).toFixed(2)}%;background:var(--${state})"></i></span>
<span class="v">${figure(value)}</span>`)}</div>`)}</section>`;
}

function accuracies(result: PipelineResult): Piece | string {
  const rows = accuracyRows(result);
  if (rows.length === 0) return '';
  return html`<section class="half"><h2>Zero-shot accuracy</h2>
<p class="note">In percent, with standard errors. Documents: ${questionsText(result)}.</p>${tableOf(rows)}</section>`;
}

function errors({ errors: views }: RunView): Piece | string {
  if (views.length === 0) return '';
  const svg = chartSvg('errors', errorsChart(views), { width: 1080, height: 280 });
  return html`<section><h2>Error of each sub-block, before and after the rebuild</h2>
<p class="note">Mean squared difference from what the sub-block is to put out, on calibration text. Logarithmic.</p>
${chartOf(svg, 'Error of each sub-block over the layers, before and after the rebuild')}
<div class="legend"><span style="color:var(--initial)"><i></i>before</span><span style="color:var(--rebuilt)"><i></i>after</span></div></section>`;
}

function sparsityMap({ layers, kinds, cells, asked, reach }: SparsityMap): Piece {
  const shade = (sparsity: number): string => {
    const deviation = reach === 0 ? 0 : (sparsity - asked) / reach;
    return `background:color-mix(in srgb, var(--${deviation > 0 ? 'rebuilt' : 'initial'}) ${(45 * Math.abs(deviation)).toFixed(1)}%, transparent)`;
  };
  return html`<section><h2>Where the zeros are</h2>
<p class="note">Sparsity in percent, by layer and linear. Plain cells have what was asked, ${percent(asked)}; green has more zeros, brown fewer.</p>
<div class="scroll"><table class="heat">
<thead><tr><th scope="col">layer</th>${kinds.map((kind) => html`<th scope="col">${kind}</th>`)}</tr></thead>
<tbody>${layers.map((layer, row) => html`<tr><th scope="row">${layer}</th>${cells[row].map((cell) =>
    cell === undefined ? html`<td></td>` : html`<td style="${shade(cell.sparsity)}" title="${grouped(cell.zeros)} of ${grouped(cell.weights)}; ${grouped(cell.rows[0])} to ${grouped(cell.rows[1])} in a row">${(100 * cell.sparsity).toFixed(1)}</td>`)}</tr>`)}</tbody>
</table></div></section>`;
}

function rebuilding({ rebuild: { layers, grown, pruned } }: PipelineResult): Piece | string {
  if (layers.length === 0) return '';
  const { told, rows } = rebuildTable(layers);
  return html`<section><h2>Rebuild, sub-block by sub-block</h2>
<p class="note">${grouped(grown)} weights grown, ${grouped(pruned)} pruned.</p>
<details><summary>Table of ${layers.length} sub-blocks</summary>
${tableOf(rows, 2)}
${told.length === 0 ? '' : html`<ul class="note">${told.map(({ head: name, meaning }) => html`<li>${name}: ${meaning}.</li>`)}<li>What is in brackets was undone.</li></ul>`}
</details></section>`;
}

function rounds({ rounds: views }: RunView): Piece | string {
  if (views.length === 0) return '';
  const svg = chartSvg('rounds', roundsChart(views), { width: 520, height: 280 });
  return html`<section class="half"><h2>Search, round by round</h2>
<p class="note">Error on held-out windows, as a share of the start; a line for each sub-block.</p>
${chartOf(svg, 'Held-out error of each sub-block over the rounds of the guarded search')}
<div class="legend"><span style="color:var(--rebuilt)"><i></i>attention</span><span style="color:var(--dense)"><i></i>mlp</span><span style="color:var(--bad)"><i class="ring"></i>undone</span></div></section>`;
}

function hessians({ initialMask: { linears } }: PipelineResult): Piece | string {
  if (linears.length === 0) return '';
  const rows = linears.map(({ layer, linear, damping, deadInputs }) => [String(layer), linear, figure(damping), grouped(deadInputs)]);
  return html`<section class="half"><h2>Hessians</h2>
<p class="note">Linears whose Hessian needed more damping than asked for, or that have inputs which were zero on all calibration text.</p>
${tableOf([['layer', 'linear', 'damping', 'dead inputs'], ...rows], 2)}</section>`;
}

function time({ stages, seconds }: RunView, { reused }: PipelineResult): Piece {
  return html`<section class="half"><h2>Time</h2>
<p class="note">Work in the stages, waiting left out.${reused === 0 ? '' : ` ${grouped(reused)} pieces were found in the artifact store; their seconds are those that they took when they were made.`}</p>
<div class="bars">${stages.map(({ name, seconds: own, share }) => html`<span>${name}</span>
<span class="bar"><i style="width:${(100 * share).toFixed(2)}%;background:var(--rebuilt)"></i></span><span class="v">${duration(own)}</span>`)}
<span>total</span><span></span><span class="v">${duration(seconds)}</span></div></section>`;
}

function incidents({ incidents: all = [] }: PipelineResult): Piece | string {
  if (all.length === 0) return '';
  return html`<section><h2>Incidents</h2><p class="note">What happened during the run, without a trace in its result.</p>
${tableOf([['time', 'what'], ...all.map(({ at, what }) => [at.slice(0, 19).replace('T', ' '), what])], 2)}</section>`;
}

function files(all: readonly FileView[]): Piece {
  return html`<section class="half"><h2>Files</h2><p class="note">Links are relative, so the folder can be moved as a whole.</p>
<div class="scroll"><table><thead><tr><th scope="col">file</th><th scope="col" class="n">bytes</th><th scope="col">SHA-256</th></tr></thead>
<tbody>${all.map(({ path, bytes, sha256 }) => html`<tr><td><a href="${encodeURI(path)}">${path}</a></td><td class="n">${bytes === undefined ? '' : grouped(bytes)}</td><td>${sha256 === undefined ? '' : html`<code title="${sha256}">${sha256.slice(0, 16)}…</code>`}</td></tr>`)}</tbody>
</table></div></section>`;
}

function use({ checkpoint, lock }: PipelineResult): Piece {
  return html`<section class="half"><h2>Use it</h2>
<p class="note">The checkpoint is an ordinary Hugging Face folder with zeros in it.</p>
<pre>from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained(${JSON.stringify(checkpoint)}, torch_dtype="auto")</pre>
<p class="note">Check it again, byte for byte:</p><pre>npx temporal-pipeline mask verify ${checkpoint}</pre>
${lock === undefined ? '' : html`<p class="note">Run it again, the same bits or an error that says what differs:</p><pre>npx temporal-pipeline run PIPELINE.yaml --locked ${lock}</pre>`}</section>`;
}

function origin(result: PipelineResult, pipeline: Pipeline): Piece {
  const { model } = result;
  return html`<section><h2>How it was made</h2>
<p class="note">${model.source}: ${grouped(model.parameters)} parameters, ${grouped(model.prunable)} of them prunable.</p>
<ol>${pipeline.stages.map((stage) => html`<li>${describeStage(stage).replaceAll('`', '')}</li>`)}</ol>
<details><summary>Engine, digests and paths</summary>${tableOf([['', ''], ...originRows(result).map(({ name, value }) => [name, value])], 2)}</details>
<details><summary>The pipeline, every default written out</summary><pre>${pipelineFile(pipeline)}</pre></details></section>`;
}
