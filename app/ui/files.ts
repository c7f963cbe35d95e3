/** Serves the files in a folder of results, as its report links to them. */
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { scriptDigest } from '../report/page/document.js';
import { sortScript } from '../report/page/sort-script.js';
import { bodyFrom } from './http-adapter.js';

/** Types that a browser shows. All other files are downloaded. */
const shown: Record<string, string> = {
  '.svg': 'image/svg+xml', '.html': 'text/html; charset=utf-8', '.json': 'application/json; charset=utf-8', '.md': 'text/plain; charset=utf-8', '.yaml': 'text/plain; charset=utf-8', '.jsonl': 'text/plain; charset=utf-8',
};

/**
 * A report runs no scripts, whatever it contains. It keeps its origin: otherwise its links to files would be requested without the cookie.
 */
const reportPolicy = "sandbox allow-downloads allow-same-origin; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/**
 * The report of a sweep also sorts its table, so this one script may run, by its hash, and nothing else. There is no sandbox, because one
 * that allows both scripts and the same origin would not protect anything.
 */
const sortedReportPolicy = `default-src 'none'; script-src 'sha256-${scriptDigest(sortScript)}'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'`;

/**
 * @param folder folder of the run, sweep or search. @param name path below it. @returns undefined if there is no such file, or if it is
 * outside
 */
export async function fileOf(folder: () => string, name: string, { sorts = false } = {}): Promise<Response | undefined> {
  const file = await pathWithin(folder, name);
  if (file === undefined) return undefined;
  const { size } = await stat(file);
  const type = shown[path.extname(file)];
  const headers: Record<string, string> = {
    'content-type': type ?? 'application/octet-stream', 'content-length': String(size), 'content-security-policy': sorts ? sortedReportPolicy : reportPolicy,
    ...(type === undefined && { 'content-disposition': 'attachment' }),
  };
  return new Response(size === 0 ? null : bodyFrom(createReadStream(file)), { headers });
}

/** Links are resolved before the check that the path is inside the folder. */
async function pathWithin(place: () => string, name: string): Promise<string | undefined> {
  try {
    // An id that is not a valid folder name has no folder.
    const folder = await realpath(place());
    const file = await realpath(path.join(folder, name));
    return file.startsWith(`${folder}${path.sep}`) && (await stat(file)).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}
