import type { Bucket } from './bucket.js';
import type { ClaimPlace } from './claims.js';

const place = (name: string): string => `claims/${name}`;

/** Claims in a bucket, one object each. */
export class BucketClaims implements ClaimPlace {
  constructor(private readonly bucket: Bucket) {}

  async create(name: string, text: string): Promise<boolean> {
    return await this.bucket.put(place(name), text, 'absent');
  }

  async replace(name: string, text: string, version: string): Promise<void> {
    await this.bucket.put(place(name), text, { version });
  }

  async read(name: string): Promise<{ text: string; version: string } | undefined> {
    return await this.bucket.text(place(name));
  }

  /** Dates in a bucket have a resolution of one second, so trailing spaces make the text of every renewal different. */
  async renew(name: string, text: string): Promise<void> {
    const seen = await this.bucket.text(place(name));
    if (seen?.text.trimEnd() === text) await this.bucket.put(place(name), text + ' '.repeat((seen.text.length - text.length + 1) % 8), { version: seen.version });
  }

  async remove(name: string): Promise<void> {
    await this.bucket.remove([place(name)]);
  }

  async removeOld(before: number): Promise<void> {
    const old: string[] = [];
    for await (const { key, changedAt } of this.bucket.list('claims/')) if (changedAt < before) old.push(key);
    await this.bucket.remove(old);
  }
}
