/** The first page: all runs, with their results. */
import { html } from 'hono/html';
import { pluralize, formatDuration, formatNumber, formatPercent } from '../../report/index.js';
import type { Piece } from '../../report/page/document.js';
import { choices, descends, filterKeys, isWanted, sorted, sortKeys, type FilterKey, type RunFilter, type SortKey } from '../../report/view/runs-view.js';
import type { FamilyRow, ListFacts, RunRow } from '../list-facts.js';
import { part, uiPage } from './document.js';
import { familyPath, runPath } from './paths.js';
import { timeText } from './time-text.js';

/** The request in the address. */
export interface RunsQuery {
  filter: RunFilter;
  sort: SortKey;
  reverse: boolean;
}

export function runsQuery(asked: Record<string, string>): RunsQuery {
  const filter = Object.fromEntries([...filterKeys, 'name' as const].flatMap((key) => (asked[key] ? [[key, asked[key]]] : [])));
  const sort = sortKeys.find((key) => key === asked['sort']) ?? 'started';
  return { filter, sort, reverse: asked['order'] === 'reverse' };
}

/** The query as part of an address. */
function addressOf({ filter, sort, reverse }: RunsQuery): string {
  const words = new URLSearchParams({ ...(filter as Record<string, string>), ...(sort !== 'started' && { sort }), ...(reverse && { order: 'reverse' }) }).toString();
  return words === '' ? '' : `?${words}`;
}

export async function renderRunsPage({ runs, families }: ListFacts, query: RunsQuery, place: string): Promise<string> {
  return uiPage({
    title: 'Runs', events: `/events${addressOf(query)}`,
    body: html`<header><h1>Runs</h1><p class="note">${place}</p></header>
${part('families', familiesTable(families))}
${filterForm(runs, query)}
<form action="/compare">${part('runs', runsTable(runs, query))}</form>`,
  });
}

const names: Record<FilterKey, string> = { status: 'state', model: 'model', sparsity: 'sparsity', pattern: 'pattern', method: 'method', gate: 'gate' };

/** Offers only labels that differ between runs. */
function filterForm(runs: readonly RunRow[], { filter, sort, reverse }: RunsQuery): Piece {
  const all = choices(runs);
  const shown = filterKeys.filter((key) => all[key].length > 1 || filter[key] !== undefined);
  return html`<form class="filter" role="search">
<label>name <input type="search" name="name" value="${filter.name ?? ''}"></label>
${shown.map((key) => html`<label>${names[key]} <select name="${key}"><option value="">any</option>${[...new Set([...all[key], ...(filter[key] === undefined ? [] : [filter[key]])])].map((value) =>
    html`<option value="${value}" ${value === filter[key] ? 'selected' : ''}>${key === 'sparsity' ? formatPercent(Number(value)) : value}</option>`)}</select></label>`)}
${sort === 'started' ? '' : html`<input type="hidden" name="sort" value="${sort}">`}${reverse ? html`<input type="hidden" name="order" value="reverse">` : ''}
<button>Show</button>${Object.keys(filter).length === 0 ? '' : html`<a href="/">all runs</a>`}</form>`;
}

const headings: readonly { key: SortKey; name: string; number?: true }[] = [
  { key: 'name', name: 'run' }, { key: 'status', name: 'state' }, { key: 'model', name: 'model' }, { key: 'sparsity', name: 'sparsity', number: true },
];
const figureHeadings: readonly { key: SortKey; name: string; number?: true }[] = [
  { key: 'dense', name: 'dense', number: true }, { key: 'initial', name: 'initial', number: true }, { key: 'rebuilt', name: 'rebuilt', number: true },
  { key: 'gap', name: 'gap closed', number: true }, { key: 'seconds', name: 'work', number: true }, { key: 'started', name: 'started', number: true },
];

export function runsTable(all: readonly RunRow[], query: RunsQuery): Piece {
  const runs = sorted(all.filter((run) => isWanted(run, query.filter)), query.sort, query.reverse);
  if (runs.length === 0) return html`<section><p>${all.length === 0 ? 'No pipeline has run yet.' : `None of the ${pluralize(all.length, 'run')} has these labels.`}</p>
<pre>npx temporal-pipeline run my.yaml</pre></section>`;
  const heading = ({ key, name, number }: (typeof headings)[number]): Piece => {
    const isOn = query.sort === key;
    const isDown = descends(key, query.reverse);
    const next = addressOf({ ...query, sort: key, reverse: isOn && !query.reverse });
    return html`<th scope="col" class="${number ? 'n' : ''}" ${isOn ? html`aria-sort="${isDown ? 'descending' : 'ascending'}"` : ''}><a href="/${next}">${name}${isOn ? (isDown ? ' ▼' : ' ▲') : ''}</a></th>`;
  };
  return html`<section><p class="note">${runs.length === all.length ? pluralize(runs.length, 'run') : `${runs.length} of ${pluralize(all.length, 'run')}`}. Perplexities are those of a run's first text. Select two or more finished runs to compare them.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Runs"><table class="list">
<thead><tr><td></td>${headings.map(heading)}<th scope="col">methods</th>${figureHeadings.map(heading)}</tr></thead>
<tbody>${runs.map(row)}</tbody></table></div>
<p class="below"><button>Compare</button></p></section>`;
}

/** Maximum number shown. `sweep list` and `search list` show all. */
const maxFamilies = 12;

/** Sweeps and searches. Their members are listed as normal runs. */
export function familiesTable(families: readonly FamilyRow[]): Piece | string {
  if (families.length === 0) return '';
  return html`<section class="above"><h2>Sweeps and searches</h2>${families.length > maxFamilies ? html`<p class="note">The newest ${maxFamilies} of ${families.length}.</p>` : ''}
<div class="scroll" tabindex="0" role="region" aria-label="Sweeps and searches"><table class="list">
<thead><tr><th scope="col">name</th><th scope="col">state</th><th scope="col">kind</th><th scope="col" class="n">members</th><th scope="col" class="n">started</th></tr></thead>
<tbody>${families.slice(0, maxFamilies).map((family) => html`<tr><th scope="row"><a href="${familyPath(family)}"><bdi>${family.name}</bdi></a></th><td>${stateTag(family.status)}</td><td>${family.noun}</td><td class="n">${family.runs}</td><td class="n">${timeText(family.started)}</td></tr>`)}</tbody></table></div></section>`;
}

function row({ workflowId, name, status, model, sparsity, pattern, methods = [], figures, reason, progress, started }: RunRow): Piece {
  const number = (value: number | undefined, text: (value: number) => string = formatNumber): Piece => html`<td class="n">${value === undefined ? '' : text(value)}</td>`;
  return html`<tr><td>${figures === undefined ? '' : html`<input type="checkbox" name="run" value="${workflowId}" aria-label="compare ${name}">`}</td>
<th scope="row"><a href="${runPath(workflowId)}"><bdi>${name}</bdi></a></th>
<td>${stateTag(status)}${progress?.share === undefined ? '' : html` <span class="small">${Math.floor(100 * progress.share)} %${progress.left === undefined ? '' : `, ${formatDuration(progress.left)} left`}</span>`}${reason === undefined ? '' : html`<span class="reason">${reason.slice(0, 200)}</span>`}</td>
<td><bdi>${model ?? ''}</bdi></td><td class="n">${figures === undefined ? (sparsity === undefined ? '' : formatPercent(sparsity)) : formatPercent(Number(figures.sparsity.toPrecision(4)))}${pattern === undefined || pattern === 'unstructured' ? '' : ` ${pattern}`}</td><td>${methods.join(', ')}</td>
${number(figures?.dense)}${number(figures?.initial)}${number(figures?.rebuilt)}${number(figures?.gap, (gap) => `${(100 * gap).toFixed(1)} %`)}${number(figures?.seconds, formatDuration)}<td class="n">${timeText(started)}</td></tr>`;
}

function stateTag(status: string): Piece {
  const kind = status === 'completed' ? 'good' : status === 'failed' || status === 'gate failed' || status === 'timed out' ? 'bad' : status === 'running' ? 'live' : '';
  return html`<span class="tag ${kind}">${kind === 'live' ? '● ' : ''}${status === 'completed' ? 'done' : status}</span>`;
}
