import { resolve } from 'node:path';
import { StoreLocationError } from './errors.js';

/** Maximum bytes of a prefix: S3 allows keys of 1,024 bytes, and the name of an artifact takes up to 150 of them. */
const longestPrefix = 850;

/** `s3://bucket` or `s3://bucket/prefix`. */
export const s3Location = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/;

/**
 * Checks the location of a store. Makes folders absolute.
 * @param location a folder, or `s3://bucket/prefix`
 * @throws StoreLocationError
 */
export function storeLocation(location: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(location)) return resolve(location);
  const where = '--store (or LLM_BARBER_STORE)';
  const [, , prefix = ''] = s3Location.exec(location) ?? [];
  if (!s3Location.test(location)) {
    throw new StoreLocationError({ where, what: `${location} is not a valid store location`, expected: 'a folder, or s3://bucket or s3://bucket/prefix', remedy: 'Correct it' });
  }
  // Servers and proxies resolve such segments as paths, each in its own way; control characters do not survive listings in XML.
  if (prefix.replace(/\/+$/, '').split('/').some((segment, i, all) => segment === '.' || segment === '..' || (segment === '' && all.length > 1)) || /\p{Cc}/u.test(prefix)) {
    throw new StoreLocationError({ where, what: `the prefix of ${JSON.stringify(location)} is not a path that every S3 server reads in the same way`, expected: 'names separated by slashes, none of them empty, `.` or `..`, and no control characters', remedy: 'Correct it' });
  }
  if (Buffer.byteLength(prefix) > longestPrefix) {
    throw new StoreLocationError({ where, what: `the prefix has ${Buffer.byteLength(prefix)} bytes`, expected: `at most ${longestPrefix}`, remedy: 'Choose a shorter one' });
  }
  return location;
}
