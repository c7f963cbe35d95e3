import { setTimeout as sleep } from 'node:timers/promises';

/** How often to check something that changes, and something that has ended. */
const pollMs = { live: 500, ended: 3_000 };

export interface Watcher<Facts> {
  onFacts: (facts: Facts) => void;
  /** Called when there was no answer. */
  onFailure: (error: unknown) => void;
}

/**
 * Checks something repeatedly while anybody watches, once for all watchers. Continues without an answer, because servers and workers come
 * back.
 */
export class Feed<Facts> {
  private readonly watchers = new Set<Watcher<Facts>>();
  private stop: AbortController | undefined;
  private last: { facts: Facts; at: number } | undefined;
  private pending: Promise<Facts> | undefined;

  constructor(
    private readonly collect: () => Promise<Facts>,
    private readonly isLive: (facts: Facts) => boolean,
    private readonly livePollMs = pollMs.live,
  ) {}

  /** Returns the current facts, at most one poll old. @throws what `collect` throws */
  async now(): Promise<Facts> {
    if (this.last !== undefined && this.watchers.size > 0 && Date.now() - this.last.at < this.livePollMs) return this.last.facts;
    return await this.poll();
  }

  /** Reports the facts from now on. @returns a function that stops it */
  watch(watcher: Watcher<Facts>): () => void {
    this.watchers.add(watcher);
    if (this.stop === undefined) {
      this.stop = new AbortController();
      void this.follow(this.stop.signal);
    }
    return () => {
      this.watchers.delete(watcher);
      if (this.watchers.size > 0) return;
      this.stop?.abort();
      this.stop = undefined;
    };
  }

  private async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const result = await this.poll().then((facts) => ({ facts }), (error: unknown) => ({ error }));
      if (signal.aborted) return;
      for (const { onFacts, onFailure } of this.watchers) {
        if ('facts' in result) onFacts(result.facts);
        else onFailure(result.error);
      }
      const pause = !('facts' in result) || this.isLive(result.facts) ? this.livePollMs : pollMs.ended;
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Only one check runs at a time. */
  private async poll(): Promise<Facts> {
    this.pending ??= this.collect().finally(() => (this.pending = undefined));
    const facts = await this.pending;
    this.last = { facts, at: Date.now() };
    return facts;
  }
}
