/** The table of a sweep's members: links to their own pages, and cells whose color shows which are better. */
import { html } from 'hono/html';
import { formatNumber } from '../format.js';
import { moneyText } from '../money.js';
import { columnsOf, type Column, type RunGroupTable } from '../sweep-table.js';
import { isFiniteNumber } from '../view/is-finite-number.js';
import type { JudgedRow } from '../view/quality-view.js';
import type { SweepView } from '../view/sweep-view.js';
import type { Piece } from './document.js';
import { heat } from './heat.js';

export function membersSection({ members, best, qualities: [first] }: SweepView, table: RunGroupTable, noun: 'member' | 'point', pageOf?: PageOf): Piece {
  const columns = pageColumns(table, members, first?.kind === 'perplexity' ? new Map(first.points.map(({ member, value }) => [member, value / (first.dense ?? NaN)])) : new Map());
  const shades = columns.map((column) => shadeOf(column, members));
  return html`<section><h2>${noun === 'member' ? 'Members' : 'Points'}</h2>
<p class="note">All ${noun}s, sorted by their values. Each name links to the ${noun}'s own page. Green cells are better than others in their column, brown ones worse.${members.some(({ spent }) => isFiniteNumber(spent)) ? ' Own seconds do not include work that was found in the store.' : ''} <span class="script">Click a heading to sort.</span></p>
<div class="scroll" tabindex="0" role="region" aria-label="${noun === 'member' ? 'Members' : 'Points'}"><table class="sort">
<thead><tr><th scope="col">${noun}</th>${columns.map(({ name }) => html`<th scope="col" class="${name === 'status' ? '' : 'n'}"><bdi>${name}</bdi></th>`)}</tr></thead>
<tbody>${members.map((row) => html`<tr class="${row.name === best?.member ? 'best' : ''}"><th scope="row">${memberLink(row, pageOf)}${row.name === best?.member ? ' ★' : ''}</th>${columns.map((column, index) => cellOf(column, row, shades[index]))}</tr>
`)}</tbody></table></div></section>`;
}

/** Returns the address of a member's own page; undefined if it has none. */
export type PageOf = (row: Pick<JudgedRow, 'workflowId' | 'report' | 'status'>) => string | undefined;

/** All runs are in one folder of the state folder, two levels up. */
const besides: PageOf = ({ workflowId, report }) => (report === undefined ? undefined : `../../runs/${encodeURIComponent(workflowId)}/report.html`);

/** A member's name, as a link if the member has a page. */
export function memberLink(row: Pick<JudgedRow, 'name' | 'workflowId' | 'report' | 'status'>, pageOf = besides): Piece {
  const [text, page] = [memberText(row.name), pageOf(row)];
  return page === undefined ? text : html`<a href="${page}">${text}</a>`;
}

/** A name with possible line breaks between its values. */
export const memberText = (name: string): Piece => html`<bdi>${name.split(/(?<=,)/).map((part, index) => html`${index === 0 ? '' : html`<wbr>`}${part}`)}</bdi>`;

/** Columns of the page without the member's values, which are its name. */
function pageColumns(table: RunGroupTable, members: readonly JudgedRow[], timesDense: ReadonlyMap<string, number>): Column[] {
  const [status, ...others] = columnsOf({ ...table, rows: [...members] }).slice(table.axes.length);
  const times: Column = { name: '× dense', value: ({ name }) => timesDense.get(name), text: formatNumber, better: 'less' };
  const { cost } = table;
  const price: Column = { name: 'cost', value: ({ seconds }) => seconds, text: (value) => moneyText(value, { cost }) ?? '', better: 'less' };
  const own: Column = { name: 'own seconds', value: ({ spent }) => spent, text: (value) => value.toFixed(1) };
  return [
    ...(members.every((row) => row.status === 'done') ? [] : [status]),
    ...others.filter((column) => !isConstantDense(column, members)),
    ...([...timesDense.values()].some(isFiniteNumber) ? [times] : []),
    ...(members.some(({ spent }) => isFiniteNumber(spent)) ? [own] : []),
    ...(cost === undefined ? [] : [price]),
  ];
}

/** The dense model is the same for all members. Charts and numbers show it. */
function isConstantDense({ name, value }: Column, members: readonly JudgedRow[]): boolean {
  return /^dense( |$)/.test(name) && new Set(members.map(value).filter((found) => found !== undefined)).size <= 1;
}

type Shade = (value: number) => string;

/** Colors the numbers of a column from the best to the worst; perplexities and times by their logarithms. */
function shadeOf({ value: of, better }: Column, members: readonly JudgedRow[]): Shade {
  const place = (value: number): number => (better === 'less' && value > 0 ? Math.log(value) : value);
  const values = members.map(of).filter((value): value is number => typeof value === 'number' && isFiniteNumber(value)).map(place);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (better === undefined || !(most - least > 1e-9 * Math.max(1, Math.abs(most)))) return () => '';
  return (value) => {
    // 1 is best, -1 is worst.
    const good = ((better === 'less' ? -1 : 1) * (2 * place(value) - least - most)) / (most - least);
    return heat(good > 0 ? 'rebuilt' : 'initial', Math.abs(good));
  };
}

function cellOf({ name, value, text }: Column, row: JudgedRow, shade: Shade): Piece {
  const found = value(row);
  if (typeof found !== 'number') return html`<td class="${name === 'status' ? '' : 'n'}">${found === undefined || found === null ? '' : String(found)}</td>`;
  return html`<td class="n" data-v="${found}" style="${shade(found)}">${text?.(found) ?? String(found)}</td>`;
}
