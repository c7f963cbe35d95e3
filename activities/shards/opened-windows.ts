import type { OpenWindows } from '../../science/methods/index.js';
import type { ArtifactKey, TokensRef } from '../types.js';

/**
 * Windows of shards that stay open in memory between the steps of a sub-block. They belong to one sub-block of one run at a time. If they are
 * lost, they are opened again, with the same bits.
 */
export class OpenedWindows {
  /** By the key of the shard's tokens. */
  private readonly opened = new Map<ArtifactKey, { whole: ArtifactKey | undefined; place: string; windows: OpenWindows }>();

  /** Whether a shard's windows are open at a place. */
  has({ key }: TokensRef, place: string): boolean {
    return this.opened.get(key)?.place === place;
  }

  /**
   * Runs work on a shard's windows, and opens them if they are not open.
   * @param place identifies the sub-block and the masks before it. Windows that were opened elsewhere are closed
   */
  async use<T>({ key, shard }: TokensRef, place: string, open: () => Promise<OpenWindows>, work: (windows: OpenWindows) => Promise<T>): Promise<T> {
    for (const [tokens, other] of this.opened) if (other.whole !== shard?.whole || (tokens === key && other.place !== place)) this.close(tokens);
    const known = this.opened.get(key);
    if (known !== undefined) return work(known.windows);
    const windows = await open();
    if (windows.outlive === undefined) return work(windows).finally(() => { windows.dispose(); });
    windows.outlive();
    this.opened.set(key, { whole: shard?.whole, place, windows });
    return work(windows);
  }

  /** Closes all windows. */
  forget(): void {
    for (const tokens of [...this.opened.keys()]) this.close(tokens);
  }

  private close(tokens: ArtifactKey): void {
    this.opened.get(tokens)?.windows.dispose();
    this.opened.delete(tokens);
  }
}
