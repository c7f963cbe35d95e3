import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
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

  async replace(name: string, text: string, version: string): Promise<void> {
    if ((await this.read(name))?.version !== version) return;
    const draft = join(this.folder, `${name}.${randomUUID()}`);
    try {
      await writeFile(draft, text);
      await rename(draft, join(this.folder, name));
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  async read(name: string): Promise<{ text: string; version: string } | undefined> {
    // Network file systems refresh a file's attributes when it is opened. A stat by name may return old ones.
    const file = await open(join(this.folder, name)).catch(() => undefined);
    if (file === undefined) return undefined;
    try {
      const { ino, mtimeNs } = await file.stat({ bigint: true });
      return { text: await file.readFile('utf8').catch(() => ''), version: `${ino} ${mtimeNs}` };
    } finally {
      await file.close();
    }
  }

  /** Rewrites the first character, which is the same in all claims. This only changes the file's time, by the file system's clock. */
  async renew(name: string, text: string): Promise<void> {
    const file = await open(join(this.folder, name), 'r+');
    try {
      if ((await file.readFile('utf8')) === text) await file.write(text.slice(0, 1), 0);
    } finally {
      await file.close();
    }
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
