/** The timeline of a run, with a lane for each worker. */
import { html, raw } from 'hono/html';
import { escaped } from '../charts/svg.js';
import { stageNames } from '../costs-table.js';
import { pluralize, formatDuration } from '../format.js';
import type { Span, SpanKind, TimelineView } from '../view/timeline-view.js';
import { workerRows } from '../workers-table.js';
import { tableOf, type Piece } from './document.js';

const fills: Record<SpanKind, string> = {
  calibration: 'var(--line3)', initialMask: 'var(--initial)', rebuild: 'var(--rebuilt)', evaluation: 'var(--dense)', other: 'var(--accent)', waiting: 'var(--muted)', lost: 'var(--bad)',
};
const names: Record<SpanKind, string> = { ...stageNames, other: 'checks, outputs', waiting: 'waiting for a worker', lost: 'failed or lost' };
/** Width of the pictures in their own units. On the page they have its full width. */
const wide = 1000;
/** Minimum width of a bar. */
const least = 1.2;

export function timelineSection(view: TimelineView): Piece {
  const { lanes, incidents, seconds, idle, joined, repeated, from } = view;
  const used = (Object.keys(fills) as SpanKind[]).filter((kind) => lanes.some(({ spans }) => spans.some((span) => span.kind === kind)));
  const scale = seconds > 0 ? wide / seconds : 0;
  return html`<section><h2>Timeline</h2>
<p class="note">From ${from.slice(0, 19).replace('T', ' ')} UTC, for ${formatDuration(seconds)}: a lane for each worker, a bar for each piece of work. ${idle === 0 ? '' : `For ${formatDuration(idle)} no worker had work of this run: it was paused, or the server or all workers were down or still starting. `}Point at a bar to see what it is.${joined === 0 ? '' : ` The last bars include ${pluralize(joined, 'later piece')} of work and the waits between them.`}</p>
<div class="lanes">${lanes.map((lane) => html`<span class="name">${lane.worker}</span>${picture(lane.spans.map((span) => bar(span, scale)), `Work of ${lane.worker} over time`)}`)}
${incidents.length === 0 ? '' : html`<span class="name">incidents</span>${picture(incidents.map(({ at, what }) => rect(at * scale - 2, 4, 4, 18, fills.lost, `${formatDuration(at)}: ${what}`)), `${pluralize(incidents.length, 'incident')} over time`)}`}
<span class="corner"></span><div class="ends">${[0, 0.25, 0.5, 0.75, 1].map((share) => html`<span>${formatDuration(share * seconds)}</span>`)}</div></div>
<div class="legend">${used.map((kind) => html`<span><i class="${kind === 'waiting' ? 'thin' : 'square'}" style="color:${fills[kind]}"></i>${names[kind]}</span>`)}</div>
${lanes.length > 1 || repeated.length > 0 ? tableOf('Workers', workerRows(view)) : ''}
${repeated.length === 0 ? '' : html`<details><summary>${pluralize(repeated.length, 'piece')} of work that ${repeated.length === 1 ? 'was' : 'were'} done again</summary>${tableOf('Work done again', [['work', 'worker', 'why'], ...repeated.map(({ what, worker, why }) => [what, worker, why])], 3)}</details>`}
</section>`;
}

function picture(bars: readonly string[], label: string): Piece {
  return html`<svg viewBox="0 0 ${wide} 26" preserveAspectRatio="none" role="img" aria-label="${label}">${raw(bars.join(''))}</svg>`;
}

function bar({ kind, from, to, what }: Span, scale: number): string {
  const [x, width] = [from * scale, (to - from) * scale];
  const title = `${what}: ${formatDuration(to - from)}`;
  // Leave a gap between neighbours of the same color.
  return kind === 'waiting' ? rect(x, 11, width, 4, fills.waiting, title) : rect(x, 3, width > 3 * least ? width - least : width, 20, fills[kind], title);
}

function rect(x: number, y: number, width: number, height: number, fill: string, title: string): string {
  return `<rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(least, width).toFixed(1)}" height="${height}" fill="${fill}"><title>${escaped(title)}</title></rect>`;
}

