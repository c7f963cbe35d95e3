import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ClaimPlace } from './claims.js';

/** Claims in a folder, one file each. */
export class ClaimFolder implements ClaimPlace {
  constructor(private readonly folder: string) {}

  async create(name: string, text: string): Promise<boolean> {
    const file = join(this.folder, name);
    const write = (): Promise<void> => writeFile(file, text, { flag: 'wx' });
    try {
      await write().catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        await mkdir(dirname(file), { recursive: true });
        await write();
      });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return false;
    }
  }

  async replace(name: string, text: string): Promise<void> {
    const draft = join(this.folder, `${name}.${randomUUID()}`);
    try {
      await writeFile(draft, text);
      await rename(draft, join(this.folder, name));
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  async look(name: string): Promise<{ text: string; version: string } | undefined> {
    const file = join(this.folder, name);
    const found = await stat(file).catch(() => undefined);
    if (found === undefined) return undefined;
    return { text: await readFile(file, 'utf8').catch(() => ''), version: String(found.mtimeMs) };
  }

  async renew(name: string): Promise<void> {
    const now = new Date();
    await utimes(join(this.folder, name), now, now);
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.folder, name), { force: true });
  }

  async removeOld(before: number): Promise<void> {
    for (const name of await readdir(this.folder).catch(() => [])) {
      const file = join(this.folder, name);
      const found = await stat(file).catch(() => undefined);
      if (found !== undefined && found.mtimeMs < before) await rm(file, { force: true });
    }
  }
}
