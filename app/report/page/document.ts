import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import { style } from './style.js';

/** A piece of HTML. Text from outside is escaped. */
export type Piece = HtmlEscapedString | Promise<HtmlEscapedString>;

/** The digest by which a Content-Security-Policy allows a script. */
export const scriptDigest = (script: string): string => createHash('sha256').update(script).digest('base64');

/**
 * Returns a whole page in one file. The page makes no requests; its policy forbids them.
 *
 * @param script makes the page more convenient; the page is also readable without. The policy allows only this script
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

/**
 * Renders rows of text as a table, heading first. It scrolls if it is too wide. @param words number of columns from the left that contain
 * words; the others contain numbers
 */
export function tableOf(name: string, [heading, ...rows]: readonly (readonly string[])[], words = 1): Piece {
  const kind = (column: number): string => (column < words ? '' : 'n');
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${name}"><table>
<thead><tr>${heading.map((cell, column) => html`<th scope="col" class="${kind(column)}">${cell}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell, column) => html`<td class="${kind(column)}">${cell}</td>`)}</tr>`)}</tbody>
</table></div>`;
}

/** A chart with a label that describes it in words. */
export function chartOf(svg: string, label: string): Piece {
  return html`<div class="chart" role="img" aria-label="${label}">${raw(svg)}</div>`;
}

/** A number with its name and a note. */
export function numberOf(name: string, value: string, about: string | Piece): Piece {
  return html`<div class="number"><dt>${name}</dt><dd class="big">${value}</dd><dd class="small">${about}</dd></div>`;
}
