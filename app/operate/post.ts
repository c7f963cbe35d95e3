import { setTimeout as sleep } from 'node:timers/promises';

/** A message, and how persistently to send it. */
export interface PostRequest {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
  /** Time limit for one answer, in milliseconds. */
  timeoutMs: number;
  attempts: number;
  /** Milliseconds before the second attempt. Each later pause is twice as long. */
  firstPauseMs: number;
  /** Whether another attempt may help after this status. */
  isTransient: (status: number) => boolean;
  /** Gives up immediately when aborted. */
  stop?: AbortSignal;
}

/** The outcome: the last answer, or the reason why there was none. */
export type PostResult = { status: number; ok: boolean; answer: string } | { status?: undefined; cause: unknown };

/** Maximum number of characters read from an answer. */
const longestAnswer = 65_536;

/** Posts JSON until it is accepted or refused for good, or all attempts have failed. Does not follow redirects: credentials stay at this address. */
export async function post({ url, headers, body, timeoutMs, attempts, firstPauseMs, isTransient, stop = new AbortController().signal }: PostRequest): Promise<PostResult> {
  for (let attempt = 1; ; attempt++) {
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), stop]);
    const posted = await once(url, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body, signal, redirect: 'manual' });
    if (attempt === attempts || stop.aborted || (posted.status !== undefined && (posted.ok || !isTransient(posted.status)))) return posted;
    await sleep(firstPauseMs * 2 ** (attempt - 1), undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) return posted;
  }
}

async function once(url: string, request: RequestInit): Promise<PostResult> {
  try {
    const response = await fetch(url, request);
    return { status: response.status, ok: response.ok, answer: await beginning(response) };
  } catch (cause) {
    return { cause };
  }
}

async function beginning(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length >= longestAnswer) break;
    }
  } catch {
    // The status has arrived, so the message has, too.
  }
  return text.slice(0, longestAnswer);
}

/** Messages that are being sent. */
export class PendingMessages {
  private readonly sending = new Set<Promise<void>>();

  add(message: Promise<void>): void {
    const sent = message.finally(() => this.sending.delete(sent));
    this.sending.add(sent);
  }

  /** Waits until all messages have arrived or were given up. */
  async settle(): Promise<void> {
    await Promise.all(this.sending);
  }
}
