import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** An in-memory file system of 64 MiB that can be filled and made read-only. */
export class SmallDisk {
  private constructor(private readonly folder: string) {}

  /** Mounts a disk on a folder. Returns undefined if this user may not mount. */
  static mount(folder: string): SmallDisk | undefined {
    mkdirSync(folder, { recursive: true });
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', folder], { stdio: 'ignore' });
      return new SmallDisk(folder);
    } catch {
      return undefined;
    }
  }

  /** Fills all free blocks. */
  fill(): void {
    const file = join(this.folder, 'filler');
    const { bavail, bsize } = statfsSync(this.folder);
    for (let bytes = bavail * bsize; bytes >= 4096; bytes = Math.floor(bytes / 2)) {
      try {
        writeFileSync(file, Buffer.alloc(bytes), { flag: 'a' });
      } catch {
        // Another process took some of the space.
      }
    }
  }

  empty(): void {
    rmSync(join(this.folder, 'filler'), { force: true });
  }

  /** Remounts the disk. The system refuses while a file is open for writing, so this retries. */
  async setReadOnly(readOnly: boolean): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        execFileSync('mount', ['-o', `remount,${readOnly ? 'ro' : 'rw'}`, this.folder], { stdio: 'ignore' });
        return;
      } catch (error) {
        if (tries === 500) throw error;
        await sleep(5);
      }
    }
  }

  unmount(): void {
    execFileSync('umount', ['-l', this.folder], { stdio: 'ignore' });
  }
}
