/** Files of a run's folder, as its report links to them. */
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { runFolder } from '../../activities/write-outputs.js';
import { bodyFrom } from './http-adapter.js';

/** What a browser shows; everything else is saved. */
const shown: Record<string, string> = {
  '.html': 'text/html; charset=utf-8', '.json': 'application/json; charset=utf-8', '.md': 'text/plain; charset=utf-8', '.yaml': 'text/plain; charset=utf-8', '.jsonl': 'text/plain; charset=utf-8',
};

/** A report runs nothing, whatever is in it. It keeps its origin, without which its links to files would come without the cookie. */
const reportPolicy = "sandbox allow-downloads allow-same-origin; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/** @param name below the run's folder. @returns undefined if there is no such file, or if it is outside */
export async function fileOfRun(state: string, workflowId: string, name: string): Promise<Response | undefined> {
  const file = await pathWithin(state, workflowId, name);
  if (file === undefined) return undefined;
  const { size } = await stat(file);
  const type = shown[path.extname(file)];
  const headers: Record<string, string> = {
    'content-type': type ?? 'application/octet-stream', 'content-length': String(size), 'content-security-policy': reportPolicy,
    ...(type === undefined && { 'content-disposition': 'attachment' }),
  };
  return new Response(size === 0 ? null : bodyFrom(createReadStream(file)), { headers });
}

/** Links are followed before it is looked at where they lead. */
async function pathWithin(state: string, workflowId: string, name: string): Promise<string | undefined> {
  try {
    const folder = await realpath(runFolder(state, workflowId));
    const file = await realpath(path.join(folder, name));
    return file.startsWith(`${folder}${path.sep}`) && (await stat(file)).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}
