import type { SSEStreamingApi } from 'hono/streaming';
import { isOutage } from '../cli/client.js';
import type { Piece } from '../report/page/document.js';
import type { Feed } from './feed.js';

/** The current content of a page. */
export interface Shown {
  /** Identifies the page. If it changes, the page must be reloaded. */
  view?: string;
  parts: Record<string, Piece | string>;
}

/** Shown on the page until the server answers again. */
export const noServer = 'The Temporal server does not answer. The page shows the last known state, and updates when the server answers again.';

/** How often a comment is sent, so that a disconnected reader is noticed. */
const aliveMs = 15_000;

/** Sends the parts of a page until the reader disconnects: first all of them, then those that have changed. */
export async function sendParts<Facts>(stream: SSEStreamingApi, feed: Feed<Facts>, show: (facts: Facts) => Shown): Promise<void> {
  const sent = new Map<string, string>();
  const tellOutage = async (what: string): Promise<void> => {
    if ((sent.get('outage') ?? '') === what) return;
    sent.set('outage', what);
    await stream.writeSSE({ event: 'outage', data: what });
  };
  let shown: Facts | undefined;
  const send = async (facts: Facts): Promise<void> => {
    await tellOutage('');
    // Facts of something that has ended stay the same.
    if (facts === shown) return;
    shown = facts;
    const { view, parts } = show(facts);
    if (view !== undefined && sent.get('view') !== view) {
      sent.set('view', view);
      await stream.writeSSE({ event: 'view', data: view });
    }
    for (const [id, piece] of Object.entries(parts)) {
      const html = (await piece).toString();
      if (sent.get(`part ${id}`) === html) continue;
      sent.set(`part ${id}`, html);
      await stream.writeSSE({ event: 'part', data: JSON.stringify({ id, html }) });
    }
  };
  // A reader that reads nothing for a while then gets the newest facts, and skips those in between.
  let newest: Facts | undefined;
  let isSending = false;
  const sendNewest = async (): Promise<void> => {
    if (isSending) return;
    isSending = true;
    while (newest !== undefined) {
      const facts = newest;
      newest = undefined;
      await send(facts).catch(() => undefined);
    }
    isSending = false;
  };
  await new Promise<void>((resolve) => {
    const stop = feed.watch({
      onFacts: (facts) => {
        newest = facts;
        void sendNewest();
      },
      onFailure: (error) => void tellOutage(isOutage(error) ? noServer : `The current state cannot be shown: ${(error as Error).message}`).catch(() => undefined),
    });
    const alive = setInterval(() => void stream.write(': alive\n\n'), aliveMs);
    stream.onAbort(() => {
      clearInterval(alive);
      stop();
      resolve();
    });
  });
}
