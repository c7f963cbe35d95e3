import { createHmac } from 'node:crypto';
import { fetchFailure } from '../../errors/fault.js';
import { withoutSecrets } from '../../errors/secrets.js';
import type { EndedRun } from '../../workflows/run-end.js';
import { PendingMessages, post } from './post.js';

export interface WebhookOptions {
  url: string;
  /** Signs the message: `X-Signature-256: sha256=<HMAC of the body>`. */
  secret?: string;
  /** Called when a message could not be sent. */
  onFailure: (why: string) => void;
  /** Milliseconds before the second attempt; doubles with each attempt. */
  firstPauseMs?: number;
}

const attempts = 6;
const timeoutMs = 4_000;

/**
 * Notifies an address that a run has ended. A message may come twice, because a worker may die after sending it; `runId` identifies
 * duplicates. A message that cannot be sent within a minute is dropped, so that it does not hold up work.
 */
export class Webhook {
  private readonly sending = new PendingMessages();

  constructor(private readonly options: WebhookOptions) {}

  send(run: EndedRun): void {
    this.sending.add(this.post(run));
  }

  /** Waits for messages in flight. */
  async settle(): Promise<void> {
    await this.sending.settle();
  }

  private async post(run: EndedRun): Promise<void> {
    const { url, secret, onFailure, firstPauseMs = 1000 } = this.options;
    const body = withoutSecrets(JSON.stringify({ event: 'run.ended', text: textOf(run), ...run }));
    const headers: Record<string, string> = secret === undefined ? {} : { 'X-Signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` };
    // Other statuses mean that the receiver rejects the message, and will reject it later too.
    const posted = await post({ url, headers, body, timeoutMs, attempts, firstPauseMs, isTransient: (status) => status >= 500 || status === 408 || status === 429 });
    if (posted.status !== undefined && posted.ok) return;
    onFailure(`the webhook ${new URL(url).origin} was not notified that ${run.workflowId} ended (${posted.status === undefined ? fetchFailure(posted.cause) : `status ${posted.status}`})`);
  }
}

/** One line for people; chat programs show `text`. */
function textOf({ name, workflowId, status, gates = [], error, perplexity }: EndedRun): string {
  const failed = gates.filter(({ passed }) => !passed).map(({ gate }) => gate);
  const state = perplexity?.rebuilt ?? perplexity?.initial;
  const numbers = Object.entries(state ?? {}).map(([text, value]) => `perplexity of ${text} ${Number(value.toPrecision(4))}`);
  switch (status) {
    case 'completed':
      return [`${name} is done`, ...numbers].join(', ');
    case 'gateFailed':
      return [`${name} is done, but ${failed.length} of ${gates.length} quality gates failed (${failed.join('; ')})`, ...numbers].join(', ');
    case 'failed':
      return `${name} failed: ${error?.message ?? 'unknown'} (${workflowId})`;
    case 'cancelled':
      return `${name} was cancelled (${workflowId})`;
  }
}
