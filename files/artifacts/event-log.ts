import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Size in bytes at which a log is put aside: some 50,000 events. */
const usualLimit = 16 * 2 ** 20;

/**
 * A file of JSON lines that tells what happened. It is bounded: a file that has grown to the limit becomes `<file>.old`, in the place of the
 * one before, so there are never more than about two limits of it. Nothing depends on it, so an event that cannot be written is left out.
 */
export class EventLog {
  constructor(
    private readonly file: string,
    private readonly limit = usualLimit,
  ) {}

  async add(event: object): Promise<void> {
    const line = `${JSON.stringify(event)}\n`;
    try {
      await this.putAside();
      await appendFile(this.file, line).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        await mkdir(dirname(this.file), { recursive: true });
        await appendFile(this.file, line);
      });
    } catch {
      // A full or read-only disk must not fail the look-up that the line is about.
    }
  }

  private async putAside(): Promise<void> {
    const size = await stat(this.file).then((found) => found.size, () => 0);
    if (size >= this.limit) await rename(this.file, `${this.file}.old`);
  }
}
