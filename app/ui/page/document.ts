import { html } from 'hono/html';
import type { Piece } from '../../report/page/document.js';

export interface PageRequest {
  title: string;
  body: Piece;
  /** Address of the events that keep the page up to date. */
  events?: string;
  /** Identifies the content of the page. The page is reloaded if this changes. */
  view?: string;
  /** Seconds after which the browser reloads the page. */
  refresh?: number;
  /** Fills the window. */
  whole?: boolean;
}

/** Returns a page of the live view. Style and script are files of the same server; the page is readable without the script. */
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

/** The page shown while the server does not answer. */
export function renderOutagePage(): Promise<string> {
  return uiPage({
    title: 'No server', refresh: 3,
    body: html`<section class="notice bad"><h1>The Temporal server does not answer</h1><p>This page tries again every 3 seconds, and continues by itself.</p></section>`,
  });
}
