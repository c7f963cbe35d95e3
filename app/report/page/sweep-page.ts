/** The page of a sweep or of a search, as one HTML file. */
import { html } from 'hono/html';
import { pluralize, formatDuration, formatNumber, formatPercent } from '../format.js';
import type { RunGroupTable } from '../sweep-table.js';
import { near, sweepView, type CostView, type SweepView } from '../view/sweep-view.js';
import { documentOf, numberOf, type Piece } from './document.js';
import { memberLink, membersSection, type PageOf } from './members-section.js';
import { sortScript } from './sort-script.js';
import { costBars, notDoneSection, qualitySections, settingsSection } from './sweep-sections.js';

export interface SweepPageRequest {
  table: RunGroupTable;
  noun: 'sweep' | 'search';
  /** Files beside the page. */
  files: readonly string[];
  /** A sentence on how the sweep or search ended. */
  about: string;
  /** Address of a member's own page, if it has one. Defaults to the page in the state folder. */
  pageOf?: PageOf;
}

/** Renders the page. The same request gives the same bytes. */
export async function renderSweepPage(request: SweepPageRequest): Promise<string> {
  const view = sweepView(request.table);
  return documentOf(view.title, html`
${head(view, request)}
${sweepNumbers(view, request.noun)}
<div class="cards">
${sweepSections(view, request)}
</div>`, sortScript);
}

/** Charts, table and costs of a sweep, one section after the other. */
export function sweepSections(view: SweepView, { table, noun, pageOf }: Pick<SweepPageRequest, 'table' | 'noun' | 'pageOf'>): Piece {
  return html`${view.qualities.map(qualitySections)}
${view.settings ? settingsSection(view.settings) : ''}
${membersSection(view, table, noun === 'sweep' ? 'member' : 'point', pageOf)}
${costBars(view.cost)}
${notDoneSection(view)}`;
}

const good: ReadonlySet<string> = new Set(['done']);
const bad: ReadonlySet<string> = new Set(['failed', 'gateFailed']);
const words: Partial<Record<string, string>> = { gateFailed: 'failed a quality gate', waiting: 'not started' };
const sign = (status: string): string => (good.has(status) ? '✓ ' : bad.has(status) ? '✗ ' : '');

function head(view: SweepView, { noun, files, about }: SweepPageRequest): Piece {
  return html`<header>
<h1><bdi>${view.title}</bdi></h1>
<p class="note">${axesText(view, noun)} ${about}</p>
<div class="tags">
${statusTags(view)}
<span class="files">${files.map((file) => html`<a href="${file}">${file}</a> `)}</span>
</div>
</header>`;
}

/** `A sweep of 12 members over ratio.` */
export function axesText({ axes, members }: SweepView, noun: SweepPageRequest['noun']): Piece {
  return html`A ${noun} of ${pluralize(members.length, noun === 'sweep' ? 'member' : 'point')} over ${axes.map((axis, index) => html`${index === 0 ? '' : ' × '}<code>${axis}</code>`)}.`;
}

/** The number of members in each status. */
export function statusTags({ statuses }: SweepView): Piece {
  return html`${statuses.map(({ status, count }) => html`<span class="tag ${good.has(status) ? 'good' : bad.has(status) ? 'bad' : ''}">${sign(status)}${count} ${words[status] ?? status}</span>`)}`;
}

/** The result in a few numbers. */
export function sweepNumbers(view: SweepView, noun: SweepPageRequest['noun'], pageOf?: PageOf): Piece {
  const { qualities: [first], best, sparsest, gaps, cost, members } = view;
  const linked = (name: string): Piece | string => {
    const row = members.find((member) => member.name === name);
    return row === undefined ? '' : memberLink(row, pageOf);
  };
  const shown = (value: number): string => (first?.kind === 'accuracy' ? formatPercent(Number(value.toPrecision(4))) : formatNumber(value));
  return html`<dl class="numbers">
${best === undefined ? '' : numberOf(noun === 'search' ? 'Sparsest that passes' : `Best by ${metricText(best.metric ?? '')}`, bestText(view), linked(best.member))}
${first?.dense === undefined ? '' : numberOf('Dense model', shown(first.dense), first.kind === 'accuracy' ? 'mean accuracy' : html`perplexity on <bdi>${first.dataset ?? ''}</bdi>`)}
${sparsest === undefined || noun === 'search' ? '' : numberOf(`Sparsest within +${Math.round(100 * (near - 1))} %`, sparsest === null ? 'none' : formatPercent(Number(sparsest.sparsity.toPrecision(4))), sparsest === null ? `no perplexity is at most ${near} × that of the dense model` : linked(sparsest.member))}
${gaps === undefined ? '' : numberOf('Gap closed', gapText(gaps), "share of the initial mask's damage that the rebuilds undid, least and most")}
${numberOf('Work', formatDuration(cost.spent ?? cost.alone), workText(cost))}
</dl>`;
}

function workText({ alone, spent, price }: CostView): string {
  const money = spent === undefined ? price?.alone : price?.spent;
  const cost = money === undefined ? '' : `, ${money}`;
  return spent === undefined ? `of all together; shared work is counted for each${cost}` : `of all together${cost}; ${formatDuration(alone)}${price === undefined ? '' : `, ${price.alone}`} if each had run alone`;
}

/** `rebuilt perplexity` for `perplexity.rebuilt`. */
const metricText = (metric: string): string => (metric === 'gapClosed' ? 'gap closed' : metric.split('.').reverse().join(' '));

/** For a sweep, the number by which the best member is best; for a search, the sparsity of its answer. */
function bestText({ best, members }: SweepView): string {
  const sparsity = members.find(({ name }) => name === best?.member)?.sparsity;
  if (best?.value !== undefined) return best.metric?.startsWith('perplexity') === true ? formatNumber(best.value) : formatPercent(Number(best.value.toPrecision(4)));
  return sparsity === undefined ? 'found' : formatPercent(Number(sparsity.toPrecision(4)));
}

function gapText([least, most]: readonly [number, number]): string {
  const [low, high] = [least, most].map((share) => (100 * share).toFixed(0));
  return low === high ? `${high} %` : `${low} to ${high} %`;
}
