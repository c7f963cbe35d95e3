/** The results of a sweep as charts, and their cost. */
import { html, raw } from 'hono/html';
import { costChart, sparsityChart, type LegendEntry, type QualityChart } from '../charts/quality-chart.js';
import { settingsChart } from '../charts/settings-chart.js';
import { chartSvg } from '../charts/svg.js';
import { formatDuration, formatNumber, formatInteger, formatPercent } from '../format.js';
import type { QualityView } from '../view/quality-view.js';
import type { SettingsView } from '../view/settings-view.js';
import type { CostView, SweepView } from '../view/sweep-view.js';
import { chartOf, tableOf, type Piece } from './document.js';
import { memberText } from './members-section.js';

/** The two sections on one number: over sparsity, and over cost. */
export function qualitySections(view: QualityView, index: number): Piece {
  return html`${view.spread ? sparsitySection(view, index) : barsSection(view)}${isCompared(view) ? costSection(view, index) : ''}`;
}

/** Whether some members have the same requested sparsity, so that their costs can be compared. */
function isCompared({ points }: QualityView): boolean {
  const placed = points.filter(({ seconds }) => seconds !== undefined);
  return new Set(placed.map(({ asked }) => asked)).size < placed.length;
}

function sparsitySection(view: QualityView, index: number): Piece {
  const rings = view.points.some(({ initial }) => initial !== undefined);
  const lines = new Set(view.points.map(({ line }) => line)).size;
  const missed = view.points.some((point) => point.missed);
  const close = nearLimit(view);
  return html`<section class="half"><h2>${nameOf(view)} over sparsity</h2>
<p class="note">${better(view)}${chanceText(view)}${lines > 1 ? ' Each line is a combination of the other values. The green band is the Pareto front: no other member is as sparse and better.' : ''}${rings ? ' Rings are the initial masks.' : ''}${missed ? ' A red diamond is a member that failed a quality gate.' : ''}</p>
${drawn(`sparsity${letter(index)}`, sparsityChart(view), `${view.kind} over the sparsity that was found`)}</section>
${close === undefined ? '' : html`<section class="half"><h2>Near the limit</h2><p class="note">The same chart, without members far above the limit of the gate.</p>
${drawn(`near${letter(index)}`, sparsityChart(close), `${view.kind} over the sparsity that was found, near the limit of the gate`)}</section>`}`;
}

/**
 * With a gate, points that fail it by far would leave no room for the others. @returns undefined if no point is far, or fewer than two are
 * near
 */
function nearLimit(view: QualityView): QualityView | undefined {
  if (view.kind !== 'perplexity' || view.limits.length === 0) return undefined;
  const most = 2 * Math.max(...view.limits);
  const points = view.points.filter(({ value }) => value <= most).map((point) => (point.initial !== undefined && point.initial > most ? { ...point, initial: undefined } : point));
  return points.length < 2 || points.length === view.points.length ? undefined : { ...view, points };
}

function costSection(view: QualityView, index: number): Piece {
  return html`<section class="half"><h2>${nameOf(view)} over cost</h2>
<p class="note">${better(view)} Members with the same symbol have the same requested sparsity. Their line joins those that no cheaper one of them beats. Members off the line cost more and are no better.</p>
${drawn(`cost${letter(index)}`, costChart(view), `${view.kind} over the seconds of work`)}</section>`;
}

const maxBars = 30;

/** For members that all have nearly the same sparsity. */
function barsSection({ kind, dense, chance, points, ...view }: QualityView): Piece {
  const far = (value: number): number => (kind === 'accuracy' ? value : Math.log(Math.max(1, value)));
  const sorted = [...points].sort((a, b) => (kind === 'accuracy' ? b.value - a.value : a.value - b.value)).slice(0, maxBars);
  const all = [...(dense === undefined ? [] : [{ member: 'dense model', value: dense, color: 'dense' }]), ...(chance === undefined ? [] : [{ member: 'chance', value: chance, color: 'muted' }]), ...sorted.map((point) => ({ ...point, color: 'rebuilt' }))];
  const most = Math.max(...all.map(({ value }) => far(value)));
  const text = kind === 'accuracy' ? (value: number) => `${(100 * value).toFixed(2)} %` : formatNumber;
  return html`<section class="half"><h2>${nameOf({ kind, ...view })} by member</h2>
<p class="note">${better({ kind })}${sparsitiesText(points)}${chanceText({ chance })}${points.length > maxBars ? ` The best ${maxBars} of ${points.length}.` : ''}</p>
<div class="bars names">${all.map(({ member, value, color }) => html`<span>${memberText(member)}</span><span class="bar"><i style="width:${(most > 0 ? (100 * far(value)) / most : 0).toFixed(2)}%;background:var(--${color})"></i></span><span class="v">${text(value)}</span>`)}</div></section>`;
}

function sparsitiesText(points: QualityView['points']): string {
  const known = points.flatMap(({ sparsity }) => (sparsity === undefined ? [] : [sparsity]));
  if (known.length < points.length || known.length < 2) return '';
  const apart = 100 * (Math.max(...known) - Math.min(...known));
  return apart === 0 ? ' All have the same sparsity.' : ` Their sparsities differ by ${formatNumber(apart)} points at most.`;
}

export function settingsSection(view: SettingsView): Piece {
  return html`<section><h2>All members at once</h2>
<p class="note">Each line is a member: its settings on the left, its results on the right. Green is the best, brown the worst.${view.lines.length < view.members ? ` ${formatInteger(view.lines.length)} of the ${formatInteger(view.members)} members are drawn, from the best to the worst.` : ''}</p>
<div class="scroll" tabindex="0" role="region" aria-label="All members at once"><div class="chart wide" role="img" aria-label="Parallel coordinates of the settings and results of all members">${raw(chartSvg('settings', settingsChart(view), { width: 1100, height: 320 }))}</div></div></section>`;
}

export function costBars({ alone, spent, price }: CostView): Piece | string {
  if (spent === undefined || alone <= 0) return '';
  const bar = (name: string, seconds: number, color: string, money?: string): Piece => html`<span>${name}</span><span class="bar"><i style="width:${((100 * seconds) / alone).toFixed(2)}%;background:var(--${color})"></i></span><span class="v">${formatDuration(seconds)}${money === undefined ? '' : `, ${money}`}</span>`;
  return html`<section class="half"><h2>What sharing saved</h2>
<p class="note">The work if each had run alone with an empty store, and the work that was done. The rest was found in the store. ${formatPercent(Number((1 - spent / alone).toPrecision(3)))} was saved.</p>
<div class="bars">${bar('each alone', alone, 'dense', price?.alone)}${bar('together', spent, 'rebuilt', price?.spent)}</div></section>`;
}

export function notDoneSection({ notDone }: SweepView): Piece | string {
  if (notDone.length === 0) return '';
  return html`<section class="${notDone.length > 4 ? '' : 'half'}"><h2>Without a result</h2><p class="note">Members that failed or were not started, and why.</p>
${tableOf('Members without a result', [['member', 'status', 'why'], ...notDone.map(({ member, status, why }) => [member, status, why])], 3)}</section>`;
}

const nameOf = ({ kind, dataset }: Pick<QualityView, 'kind' | 'dataset'>): Piece => (kind === 'accuracy' ? html`Mean zero-shot accuracy` : html`Perplexity on <bdi>${dataset ?? ''}</bdi>`);
const better = ({ kind }: Pick<QualityView, 'kind'>): string => (kind === 'accuracy' ? 'Higher is better.' : 'Lower is better.');
const chanceText = ({ chance }: Pick<QualityView, 'chance'>): string => (chance === undefined ? '' : ' Chance is the accuracy of guessing.');
/** Names of charts consist of letters only. */
const letter = (index: number): string => String.fromCharCode(97 + (index % 26)).repeat(1 + Math.floor(index / 26));

function drawn(name: string, { option, titles, legend }: QualityChart, label: string): Piece {
  return html`${chartOf(chartSvg(name, option, { width: 480, height: 310 }, titles), label)}${legendOf(legend)}`;
}

function legendOf(legend: readonly LegendEntry[]): Piece | string {
  if (legend.length < 2) return '';
  return html`<div class="legend">${legend.map(({ name, color, sign }) => html`<span><b style="color:${color}">${sign}</b><bdi>${name}</bdi></span>`)}</div>`;
}
