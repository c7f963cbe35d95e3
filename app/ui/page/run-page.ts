/** The page of one run: live while it runs, and its report when it is done. */
import { html } from 'hono/html';
import { bytesText } from '../../../errors/bytes-text.js';
import { errorsChart } from '../../report/charts/errors-chart.js';
import { chartSvg } from '../../report/charts/svg.js';
import { costRows, costsNote } from '../../report/costs-table.js';
import { formatChange, pluralize, formatDuration, formatNumber, formatInteger, perplexityRows } from '../../report/index.js';
import { chartOf, numberOf, tableOf, type Piece } from '../../report/page/document.js';
import { liveView, type LiveStage, type LiveView } from '../../report/view/live-view.js';
import { commandText, stateWords } from '../../cli/command-text.js';
import type { RunFacts } from '../facts.js';
import { controls } from './controls.js';
import { part, uiPage } from './document.js';
import { runPath } from './paths.js';
import { timeText } from './time-text.js';

export interface RunPageOptions {
  state: string;
  formToken: string;
  /** The run on Temporal's own web page, if known. */
  temporalPage?: string;
}

/** Identifies the content of a run's page: another execution, or the report, is another page. */
export const runPageView = (facts: RunFacts): string => (facts.page === undefined ? `live ${facts.runId}` : `report ${facts.runId}`);

export async function renderLivePage(facts: RunFacts, options: RunPageOptions): Promise<string> {
  const parts = Object.entries(runParts(facts, options)).map(([id, content]) => [id, part(id, content)] as const);
  const by = Object.fromEntries(parts);
  return uiPage({
    title: nameOf(facts), events: `${runPath(facts.workflowId)}/events`, view: runPageView(facts),
    body: html`${crumbs()}
<div class="top">${by['head']}${by['controls']}</div>
<p id="said" role="status"></p>
${by['notice']}${by['numbers']}
<div class="cards">${by['stages']}${by['happened']}${by['errors']}${by['costs']}</div>`,
  });
}

/** Shows the report below a slim bar. */
export async function renderReportFrame(facts: RunFacts, options: RunPageOptions): Promise<string> {
  const parts = runParts(facts, options);
  const address = `${runPath(facts.workflowId)}/files/report.html`;
  return uiPage({
    title: nameOf(facts), events: `${runPath(facts.workflowId)}/events`, view: runPageView(facts), whole: true,
    body: html`<div class="top slim">${crumbs()}${part('head', parts['head'])}<a href="${runPath(facts.workflowId)}?live">stages and events</a>${part('controls', parts['controls'])}</div>
<p id="said" role="status"></p>
<iframe src="${address}" title="Report of ${nameOf(facts)}" sandbox="allow-downloads allow-same-origin"></iframe>`,
  });
}

/** The parts of the page by their ids. */
export function runParts(facts: RunFacts, options: RunPageOptions): Record<string, Piece | string> {
  const { outcome, pipeline, ...rest } = facts;
  const view = liveView({ ...rest, name: nameOf(facts), ...(pipeline && { pipeline }), ...(outcome?.status === 'completed' && { result: outcome.result }) });
  return {
    head: head(view, facts, options),
    controls: controls(view, facts, options.formToken),
    notice: notice(view, facts, options.state),
    numbers: numbers(view),
    stages: stages(view.stages),
    happened: happened(facts),
    errors: errors(view),
    costs: costs(facts),
  };
}

const nameOf = ({ pipeline, progress, workflowId }: RunFacts): string => pipeline?.name ?? progress?.name ?? workflowId;

const crumbs = (): Piece => html`<nav><a href="/">All runs</a></nav>`;

function head({ title, state, doing, isOpen }: LiveView, { workflowId, started, ended, partialResults }: RunFacts, { temporalPage }: RunPageOptions): Piece {
  const engine = partialResults?.about?.engine;
  const facts = [
    ...(isOpen && doing !== '' ? [html`<b>${doing}</b>`] : []),
    html`<bdi>${workflowId}</bdi>`,
    ...(engine === undefined ? [] : [html`${engine.backend} on ${engine.device}`]),
    html`started ${timeText(started)}`,
    ...(ended === undefined ? [] : [html`ended ${timeText(ended)}`]),
    ...(temporalPage === undefined ? [] : [html`<a href="${temporalPage}">Temporal's page</a>`]),
  ];
  return html`<h1><bdi>${title}</bdi> <span class="tag ${state.kind}">${state.kind === 'live' ? '● ' : ''}${state.word}</span></h1>
<p class="note">${facts.map((fact, index) => html`${index === 0 ? '' : ' · '}${fact}`)}</p>`;
}

function notice({ state }: LiveView, { outcome, taskQueue }: RunFacts, folder: string): Piece | string {
  if (outcome?.status === 'failed') return html`<section class="notice bad"><h2>${outcome.error.type}</h2><p>${outcome.error.message}</p><p class="note">Fix that, then retry: finished work is kept.</p></section>`;
  if (state.word !== 'waiting for a worker') return '';
  return html`<section class="notice"><h2>No worker serves task queue <code>${taskQueue}</code></h2>
<p>The run waits. Start a worker:</p><pre>${commandText(['worker', '--task-queue', taskQueue, ...stateWords(folder)])}</pre></section>`;
}

function numbers({ left, planned, spent, share, perplexity, errorRatio, price, incidents, isOpen }: LiveView): Piece {
  const last = incidents.at(-1);
  return html`<dl class="numbers">
${isOpen ? numberOf('Left', left === undefined ? '…' : formatDuration(left), `${share === undefined ? '' : `${Math.floor(100 * share)} % done · `}${planned === undefined ? 'no plan is known' : `the plan said ${formatDuration(planned)}`}`)
    : numberOf('Work', formatDuration(spent), planned === undefined ? 'without waiting' : `the plan said ${formatDuration(planned)}`)}
${perplexity === undefined ? numberOf('Perplexity', '…', 'comes with the evaluation') : numberOf(`Perplexity, ${perplexity.state}`, formatNumber(perplexity.value), html`on <bdi>${perplexity.dataset}</bdi>`)}
${numberOf('Error so far', errorRatio === undefined ? '…' : formatChange(1, errorRatio), errorRatio === undefined ? 'comes with the first rebuilt layer' : 'geometric mean over the rebuilt sub-blocks')}
${numberOf('Cost so far', price?.soFar ?? `${formatNumber(spent / 3600)} h`, price === undefined ? `of the device${left === undefined || !isOpen ? '' : `; about ${formatNumber((spent + left) / 3600)} h at the end`}` : `${formatNumber(spent / 3600)} device hours${price.atEnd === undefined || !isOpen ? '' : `; about ${price.atEnd} at the end`}`)}
${numberOf('Survived', formatInteger(incidents.length), last === undefined ? 'no incidents so far' : html`${last.what.slice(0, 160)}`)}
</dl>`;
}

function stages(all: readonly LiveStage[]): Piece {
  return html`<section class="half"><h2>Stages</h2>
${all.length === 0 ? html`<p class="note">Stages appear once a worker answers.</p>` : html`<div class="scroll" tabindex="0" role="region" aria-label="Stages"><table class="stages">
<thead><tr><th scope="col">stage</th><th scope="col" class="wide">done</th><th scope="col" class="n">units</th><th scope="col" class="n">work</th><th scope="col" class="n">plan</th></tr></thead>
<tbody>${all.map((stage) => html`<tr><th scope="row">${stage.name}</th><td><span class="meter ${stage.state}"><i style="width:${(100 * stage.share).toFixed(1)}%"></i></span><span class="small">${told(stage)}</span></td>
<td class="n">${stage.total === 0 ? '' : `${formatInteger(stage.done)}/${formatInteger(stage.total)}`}</td><td class="n">${stage.seconds === 0 ? '' : formatDuration(stage.seconds)}</td><td class="n">${stage.planned === undefined ? '' : formatDuration(stage.planned)}</td></tr>`)}</tbody></table></div>`}</section>`;
}

function told({ state, detail, secondsLeft, reused, done }: LiveStage): string {
  const found = reused === 0 ? '' : reused === done ? 'found in the store' : `${formatInteger(reused)} found in the store`;
  if (state === 'waiting') return 'waiting';
  if (state === 'done') return ['done', found].filter((word) => word !== '').join(', ');
  return [detail, secondsLeft === undefined ? '' : `${formatDuration(secondsLeft)} left`, found].filter((word) => word !== '').join(' · ') || 'begins';
}

function happened({ events }: RunFacts): Piece {
  return html`<section class="half"><h2>What happened</h2><p class="note">From the history of the run, newest first.</p>
<div class="scroll log" tabindex="0" role="region" aria-label="What happened"><table><tbody>${events.map(({ at, what, kind }) => html`<tr><td class="at">${timeText(at)}</td><td class="${kind}">${kind === 'bad' ? '✗ ' : kind === 'good' ? '✓ ' : ''}${what}</td></tr>`)}</tbody></table></div></section>`;
}

function errors({ errors: views, isOpen }: LiveView): Piece | string {
  if (views.length === 0) return isOpen ? html`<section><h2>Error before and after, as layers finish</h2><p class="note">The chart starts with the first rebuilt layer.</p></section>` : '';
  const done = Math.max(...views.map(({ after }) => after.filter((value) => !Number.isNaN(value)).length));
  return html`<section><h2>Error before and after, as layers finish</h2>
<p class="note">Mean squared error of the sub-block's output on calibration text. Log scale. ${done} of ${pluralize(views[0].layers.length, 'layer')}.</p>
<div class="panels">${views.map((view) => html`<div><h3>${view.block}</h3>${chartOf(chartSvg(`errors${view.block}`, errorsChart(view), { width: 540, height: 250 }), `Error of the ${view.block} sub-blocks, before and after the rebuild, of ${done} layers so far`)}</div>`)}</div>
<div class="legend"><span><i style="color:var(--initial)"></i>before</span><span><i style="color:var(--rebuilt)"></i>after</span></div></section>`;
}

/** How the time was spent so far. For a finished run without a report here, also its results. */
function costs({ progress, outcome }: RunFacts): Piece | string {
  const byStage = Object.fromEntries((progress?.stages ?? []).flatMap(({ type, costs: own }) => (own === undefined ? [] : [[type, own]])));
  const rows = costRows({ costs: byStage });
  const results = outcome?.status === 'completed' ? perplexityRows(outcome.result) : [];
  const peak = Math.max(0, ...Object.values(byStage).map(({ peakBytes = 0 }) => peakBytes));
  return html`${results.length === 0 ? '' : html`<section class="half"><h2>Perplexity</h2>${tableOf('Perplexity', results)}</section>`}
${rows.length === 0 ? '' : html`<section><h2>Where the time went</h2><p class="note">${costsNote}${peak === 0 ? '' : ` Peak memory so far: ${bytesText(peak)}.`}</p>${tableOf('Where the time went', rows)}</section>`}`;
}
