import type { Bucket } from './bucket.js';
import type { ClaimPlace } from './claims.js';

const place = (name: string): string => `claims/${name}`;

/** Claims in a bucket, one object each. */
export class BucketClaims implements ClaimPlace {
  private renewals = 0;

  constructor(private readonly bucket: Bucket) {}

  async create(name: string, text: string): Promise<boolean> {
    return await this.bucket.put(place(name), text, 'absent');
  }

  async replace(name: string, text: string): Promise<void> {
    await this.bucket.put(place(name), text);
  }

  async look(name: string): Promise<{ text: string; version: string } | undefined> {
    return await this.bucket.text(place(name));
  }

  /** Dates have a grain of a second, hence spaces that make every renewal another text. A claim that somebody has taken over is left alone. */
  async renew(name: string, text: string): Promise<void> {
    const seen = await this.bucket.text(place(name));
    if (seen?.text.trimEnd() === text) await this.bucket.put(place(name), text + ' '.repeat(++this.renewals % 8), { version: seen.version });
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
