import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bucket } from './bucket.js';
import { writeFileDurably } from './durable-file.js';
import { checkedName } from './path-below.js';
import type { RunRecords } from './artifact-backend.js';

const ending = '.json';
const fileNameOf = (workflowId: string): string => `${checkedName(workflowId, 'workflow id')}${ending}`;

/** Records of runs in a folder. @throws UnsafeNameError, because workflow ids come from requests */
export class RunRecordFolder implements RunRecords {
  constructor(private readonly folder: string) {}

  async read(workflowId: string): Promise<string | undefined> {
    return await readFile(join(this.folder, fileNameOf(workflowId)), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
  }

  async write(workflowId: string, text: string): Promise<void> {
    await writeFileDurably(join(this.folder, fileNameOf(workflowId)), [Buffer.from(text)]);
  }

  async remove(workflowId: string): Promise<void> {
    await rm(join(this.folder, fileNameOf(workflowId)), { force: true });
  }

  async *list(): AsyncGenerator<string> {
    const names = await readdir(this.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    for (const name of names.sort()) if (name.endsWith(ending) && !name.startsWith('.')) yield name.slice(0, -ending.length);
  }
}

/** Records of runs in a bucket. @throws UnsafeNameError, and the bucket's faults */
export class RunRecordBucket implements RunRecords {
  constructor(private readonly bucket: Bucket) {}

  async read(workflowId: string): Promise<string | undefined> {
    return (await this.bucket.text(`runs/${fileNameOf(workflowId)}`))?.text;
  }

  async write(workflowId: string, text: string): Promise<void> {
    await this.bucket.put(`runs/${fileNameOf(workflowId)}`, text);
  }

  async remove(workflowId: string): Promise<void> {
    await this.bucket.remove([`runs/${fileNameOf(workflowId)}`]);
  }

  async *list(): AsyncGenerator<string> {
    for await (const { key } of this.bucket.list('runs/')) if (key.endsWith(ending)) yield key.slice('runs/'.length, -ending.length);
  }
}
