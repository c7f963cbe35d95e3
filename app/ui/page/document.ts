import { html } from 'hono/html';
import type { Piece } from '../../report/page/document.js';

export interface PageRequest {
  title: string;
  body: Piece;
  /** Address of the events that keep the page up to date. */
  events?: string;
  /** What the page shows, so that it is loaded again when that is something else. */
  view?: string;
  /** Seconds after which the browser loads it again. */
  refresh?: number;
  /** Fills the window. */
  whole?: boolean;
}

/** A page of the live view. Its style and its script are files of the same server; it can be read without the script. */
export async function uiPage({ title, body, events, view, refresh, whole = false }: PageRequest): Promise<string> {
  const page = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refresh === undefined ? '' : html`<meta http-equiv="refresh" content="${refresh}">`}
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

/** What is at an address that needs the server, while that does not answer. */
export function renderOutagePage(): Promise<string> {
  return uiPage({
    title: 'No server', refresh: 3,
    body: html`<section class="notice bad"><h1>The Temporal server does not answer</h1><p>This page tries again every 3 seconds, and continues by itself.</p></section>`,
  });
}
