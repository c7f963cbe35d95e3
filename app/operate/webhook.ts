import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { withoutSecrets } from '../../errors/secrets.js';
import type { EndedRun } from '../../workflows/announce.js';

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
const patienceMs = 4_000;

/**
 * Notifies an address that a run has ended. A message may come twice, because a worker may die after sending it; `runId` identifies
 * duplicates. A message that cannot be sent within a minute is dropped, so that it does not hold up work.
 */
export class Webhook {
  private readonly sending = new Set<Promise<void>>();

  constructor(private readonly options: WebhookOptions) {}

  send(run: EndedRun): void {
    const sent = this.post(run).finally(() => this.sending.delete(sent));
    this.sending.add(sent);
  }

  /** Waits for messages in flight. */
  async settle(): Promise<void> {
    await Promise.all(this.sending);
  }

  private async post(run: EndedRun): Promise<void> {
    const { url, secret, onFailure, firstPauseMs = 1000 } = this.options;
    const body = withoutSecrets(JSON.stringify({ event: 'run.ended', text: textOf(run), ...run }));
    const signature: Record<string, string> = secret === undefined ? {} : { 'X-Signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` };
    let why = '';
    for (let attempt = 1; attempt <= attempts; attempt++) {
      try {
        const response = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json', ...signature }, body, signal: AbortSignal.timeout(patienceMs), redirect: 'error' });
        await response.body?.cancel();
        if (response.ok) return;
        why = `status ${response.status}`;
        // A message that the receiver rejects now will also be rejected later.
        if (response.status < 500 && response.status !== 408 && response.status !== 429) break;
      } catch (error) {
        why = error instanceof Error ? ((error.cause as Error | undefined)?.message ?? error.message) : String(error);
      }
      if (attempt < attempts) await sleep(firstPauseMs * 2 ** (attempt - 1));
    }
    onFailure(`the webhook ${new URL(url).origin} was not notified that ${run.workflowId} ended (${why})`);
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
