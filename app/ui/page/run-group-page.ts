/** The page of a sweep or a search: its members with their results so far, and all charts that these allow. */
import { html } from 'hono/html';
import { formatDuration } from '../../report/index.js';
import { numberOf, type Piece } from '../../report/page/document.js';
import { memberLink, type PageOf } from '../../report/page/members-section.js';
import { axesText, statusTags, sweepNumbers, sweepSections } from '../../report/page/sweep-page.js';
import { inOrder } from '../../report/sweep-table.js';
import { sweepView } from '../../report/view/sweep-view.js';
import { commandText, stateWords } from '../../cli/command-text.js';
import type { RunGroupFacts } from '../run-group-facts.js';
import { part, uiPage } from './document.js';
import { familyPath, runPath } from './paths.js';
import { timeText } from './time-text.js';

export interface FamilyPageOptions {
  state: string;
  /** The same on Temporal's own web page, if known. */
  temporalPage?: string;
}

export async function renderFamilyPage(facts: RunGroupFacts, options: FamilyPageOptions): Promise<string> {
  const { head, notice, numbers, running, sections } = Object.fromEntries(Object.entries(familyParts(facts, options)).map(([id, content]) => [id, part(id, content)]));
  return uiPage({
    title: facts.table?.name ?? facts.workflowId, events: `${familyPath(facts)}/events`,
    body: html`<nav><a href="/">All runs</a></nav>
<div class="top">${head}</div>
${notice}${numbers}
<div class="cards">${running}${sections}</div>`,
  });
}

/** Only members that were started have a page. */
const pageOf: PageOf = ({ workflowId, status }) => (status === 'waiting' || status === 'skipped' ? undefined : runPath(workflowId));

/** The parts of the page by their ids. */
export function familyParts(facts: RunGroupFacts, options: FamilyPageOptions): Record<string, Piece | string> {
  const { table, noun, status } = facts;
  const isOpen = status === 'running';
  const whole = table && sweepView(table);
  // While the sweep runs, waiting members need no explanation.
  const view = whole && { ...whole, notDone: whole.notDone.filter((member) => !isOpen || (member.status !== 'waiting' && member.status !== 'running')) };
  return {
    head: head(facts, view && html`${axesText(view, noun)}`, view && statusTags(view), options),
    notice: notice(facts, options.state),
    numbers: view === undefined || view.members.every(({ seconds }) => seconds === undefined) ? '' : sweepNumbers(view, noun, pageOf),
    running: table === undefined || !isOpen ? '' : running(facts, inOrder(table).filter((row) => row.status === 'running')),
    sections: view === undefined || table === undefined ? '' : sweepSections(view, { table, noun, pageOf }),
  };
}

function head(facts: RunGroupFacts, about: Piece | undefined, tags: Piece | undefined, { temporalPage }: FamilyPageOptions): Piece {
  const { table, workflowId, status, served, started, ended, files } = facts;
  const kind = status === 'completed' ? 'good' : status === 'failed' || status === 'timed out' ? 'bad' : status === 'running' && served ? 'live' : '';
  const word = status === 'completed' ? 'done' : status === 'running' && !served ? 'waiting for a worker' : status;
  return html`<h1><bdi>${table?.name ?? workflowId}</bdi> <span class="tag ${kind}">${kind === 'live' ? '● ' : ''}${word}</span></h1>
<p class="note">${about ?? ''} <bdi>${workflowId}</bdi> · started ${timeText(started)}${ended === undefined ? '' : html` · ended ${timeText(ended)}`}${temporalPage === undefined ? '' : html` · <a href="${temporalPage}">Temporal's page</a>`}</p>
<div class="tags">${tags ?? ''}<span class="files">${files.map((file) => html`<a href="${familyPath(facts)}/files/${file}">${file}</a> `)}</span></div>`;
}

function notice({ status, served, taskQueue, reason, table, noun }: RunGroupFacts, state: string): Piece | string {
  if (reason !== undefined) return html`<section class="notice bad"><h2>The ${noun} failed</h2><p>${reason}</p></section>`;
  if (status !== 'running') return table === undefined ? html`<section class="notice"><p>Its members are not known: no worker answers, and this machine has no report of it.</p></section>` : '';
  if (!served) return html`<section class="notice"><h2>No worker serves task queue <code>${taskQueue}</code></h2><p>The ${noun} waits. Start a worker:</p><pre>${commandText(['worker', '--task-queue', taskQueue, ...stateWords(state)])}</pre></section>`;
  return table === undefined ? html`<section class="notice"><p>Members appear once a worker answers.</p></section>` : '';
}

function running({ running: progress }: RunGroupFacts, rows: readonly Parameters<typeof memberLink>[0][]): Piece | string {
  if (rows.length === 0) return '';
  return html`<section><h2>Running now</h2><dl class="numbers">${rows.map((row) => {
    const { share, left } = progress[row.workflowId] ?? {};
    return numberOf('member', share === undefined ? '…' : `${Math.floor(100 * share)} %`, html`<span class="meter running"><i style="width:${(100 * (share ?? 0)).toFixed(1)}%"></i></span>${memberLink(row, pageOf)}${left === undefined ? '' : `, ${formatDuration(left)} left`}`);
  })}</dl></section>`;
}
