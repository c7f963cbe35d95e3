import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import { style } from './style.js';

/** A piece of HTML: what comes from outside is escaped in it. */
export type Piece = HtmlEscapedString | Promise<HtmlEscapedString>;

/** By which a policy lets a script run. */
export const scriptDigest = (script: string): string => createHash('sha256').update(script).digest('base64');

/**
 * A whole page in one file. It makes no request: the policy forbids it.
 *
 * @param script what makes the page handier; it can be read without. The policy lets these bytes run and no others
 */
export async function documentOf(title: string, body: Piece, script?: string): Promise<string> {
  const allowed = script === undefined ? '' : ` script-src 'sha256-${scriptDigest(script)}';`;
  const page = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';${raw(allowed)} style-src 'unsafe-inline'; img-src data:">
<title>${title}</title>
<style>${raw(style)}</style>
</head>
<body>
<main>
${body}
</main>${script === undefined ? '' : raw(`\n<script>${script}</script>`)}
</body>
</html>
`;
  return page.toString();
}

/** A table from rows of text, heading first, which scrolls where it is too wide. @param words how many columns from the left are words; the others are numbers */
export function tableOf(name: string, [heading, ...rows]: readonly (readonly string[])[], words = 1): Piece {
  const kind = (column: number): string => (column < words ? '' : 'n');
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${name}"><table>
<thead><tr>${heading.map((cell, column) => html`<th scope="col" class="${kind(column)}">${cell}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell, column) => html`<td class="${kind(column)}">${cell}</td>`)}</tr>`)}</tbody>
</table></div>`;
}

/** A chart that says in words what it shows. */
export function chartOf(svg: string, label: string): Piece {
  return html`<div class="chart" role="img" aria-label="${label}">${raw(svg)}</div>`;
}

/** A number with what it is about. */
export function numberOf(name: string, value: string, about: string | Piece): Piece {
  return html`<div class="number"><dt>${name}</dt><dd class="big">${value}</dd><dd class="small">${about}</dd></div>`;
}
