import { html } from 'hono/html';
import type { Piece } from '../../report/page/document.js';

export interface PageRequest {
  title: string;
  body: Piece;
  /** Address of the events that keep the page up to date. */
  events?: string;
  /** What the page shows, so that it is loaded again when that is something else. */
  view?: string;
  /** Fills the window. */
  whole?: boolean;
}

/** A page of the live view. Its style and its script are files of the same server; it can be read without the script. */
export async function uiPage({ title, body, events, view, whole = false }: PageRequest): Promise<string> {
  const page = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
<script src="/ui.js" defer></script>
</head>
<body class="${whole ? 'whole' : ''}" data-events="${events ?? ''}" data-view="${view ?? ''}">
<p id="connection" class="banner" role="status" hidden></p>
<main>
${body}
</main>
</body>
</html>
`;
  return page.toString();
}

/** A part of a page that is replaced when it changes. */
export function part(id: string, content: Piece | string): Piece {
  return html`<div id="${id}" class="part">${content}</div>`;
}
