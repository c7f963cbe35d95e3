import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Size in bytes at which a log is rotated: about 50,000 events. */
const defaultLimit = 16 * 2 ** 20;

/**
 * A log of events as JSON lines. A file that has reached the limit is renamed to `<file>.old`, replacing the previous one, so the log never
 * takes more than about twice the limit. Nothing depends on the log, so an event that cannot be written is dropped.
 */
export class EventLog {
  constructor(
    private readonly file: string,
    private readonly limit = defaultLimit,
  ) {}

  async add(event: object): Promise<void> {
    const line = `${JSON.stringify(event)}\n`;
    try {
      await this.rotateIfFull();
      await appendFile(this.file, line).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        await mkdir(dirname(this.file), { recursive: true });
        await appendFile(this.file, line);
      });
    } catch {
      // A full or read-only disk must not make the logged operation fail.
    }
  }

  private async rotateIfFull(): Promise<void> {
    const size = await stat(this.file).then((found) => found.size, () => 0);
    if (size >= this.limit) await rename(this.file, `${this.file}.old`);
  }
}
