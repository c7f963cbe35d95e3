import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HubUploads } from './hub-uploads.js';

/** A repository of the fake hub: its branches, and the files of each commit. */
export interface FakeRepository {
  branches: Record<string, string>;
  commits: Record<string, Record<string, Buffer>>;
  /** Whether it answers like a repository whose conditions the user has not accepted. */
  gated?: boolean;
  /** If set, only this token can see it. */
  token?: string;
  /** The visibility that it was created with. */
  visibility?: string;
}

export const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
export const gitSha1 = (data: Buffer): string => createHash('sha1').update(`blob ${data.length}\0`).update(data).digest('hex');
/** Files that a hub stores as large files. */
const isLarge = (path: string): boolean => /\.(safetensors|parquet|gz|bin)$/.test(path);

/** Faults of a file, for the next `times` requests; `Infinity` for all. */
export interface Trouble {
  /** Closes the connection after that many bytes of an answer. */
  cutAfter?: number;
  /** Changes a byte of the answer. */
  corrupt?: boolean;
  /** Answers with this status. */
  status?: number;
  /** Ignores `Range`. */
  ignoreRange?: boolean;
  /** Sends that many bytes, then nothing more, and keeps the connection open. */
  hangAfter?: number;
  times: number;
}

/** The part of the hub's protocol that downloads and uploads need, on loopback. Large files come from a second address, like the hub's CDN. */
export class HubServer {
  readonly repositories = new Map<string, FakeRepository>();
  /** By path of the file. */
  readonly troubles = new Map<string, Trouble>();
  /** `METHOD path range` of every request, in order. */
  readonly requests: string[] = [];
  /** Authorization headers that the hub received, and those that the CDN received. */
  readonly tokens: { hub: string[]; cdn: string[] } = { hub: [], cdn: [] };
  /** Wrong sizes that the hub reports for files. */
  readonly claimedSize = new Map<string, number>();
  readonly uploads = new HubUploads(this.repositories, () => this.url);
  port = 0;
  private hub: Server | undefined;
  private cdn: Server | undefined;

  /** @param port the earlier port, to come back after a stop */
  async start(port = 0): Promise<string> {
    this.cdn = createServer((request, response) => { this.serveCdn(request, response); });
    this.hub = createServer((request, response) => { void this.serve(request, response); });
    await listen(this.cdn, 0);
    await listen(this.hub, port);
    this.port = (this.hub.address() as AddressInfo).port;
    return this.url;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get cdnUrl(): string {
    return `http://localhost:${(this.cdn?.address() as AddressInfo).port}`;
  }

  /** Closes the server and all its connections, as a kill would. */
  async stop(): Promise<void> {
    for (const server of [this.hub, this.cdn]) {
      server?.closeAllConnections();
      await new Promise((resolve) => { if (server === undefined) resolve(undefined); else server.close(resolve); });
    }
    this.hub = undefined;
    this.cdn = undefined;
  }

  /** Adds a commit, and its repository if it is new. @param name `datasets/org/name` for a dataset @returns its commit */
  add(name: string, files: Record<string, Buffer | string>, { branch = 'main', commit: wanted, ...more }: Partial<FakeRepository> & { branch?: string; commit?: string } = {}): string {
    const content = Object.fromEntries(Object.entries(files).map(([path, data]) => [path, Buffer.from(data)]));
    const commit = wanted ?? createHash('sha1').update(JSON.stringify(Object.entries(content).map(([path, data]) => [path, sha256(data)]))).digest('hex');
    const known = this.repositories.get(name);
    this.repositories.set(name, { ...known, ...more, branches: { ...known?.branches, [branch]: commit }, commits: { ...known?.commits, [commit]: content } });
    return commit;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://hub');
    this.requests.push(`${request.method ?? ''} ${decodeURIComponent(pathname)} ${request.headers.range ?? ''}`.trim());
    this.tokens.hub.push(request.headers.authorization ?? '');
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    if (this.uploads.serve(request, response, Buffer.concat(chunks))) return;
    const api = /^\/api\/(models|datasets)\/([^/]+\/[^/]+)\/(revision|tree|paths-info)\/([^/]+)/.exec(pathname);
    const resolve = /^\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(pathname);
    if (api !== null) {
      const [, kind, repo = '', what, revision = ''] = api;
      const found = this.open(`${kind === 'datasets' ? 'datasets/' : ''}${repo}`, decodeURIComponent(revision), request, response);
      if (found === undefined) return;
      const entries = Object.entries(found.files).map(([path, data]) => this.entry(path, data));
      if (what === 'revision') json(response, { _id: '1', id: repo, sha: found.commit, private: false, downloads: 0, likes: 0, gated: false, lastModified: '2024-01-01T00:00:00.000Z' });
      else if (what === 'tree') json(response, entries);
      else {
        const { paths } = JSON.parse(Buffer.concat(chunks).toString()) as { paths: string[] };
        json(response, entries.filter(({ path }) => paths.includes(path)));
      }
    } else if (resolve !== null) {
      const [, dataset = '', repo = '', revision = '', path = ''] = resolve;
      const found = this.open(`${dataset}${repo}`, decodeURIComponent(revision), request, response);
      if (found === undefined) return;
      const data = found.files[decodeURIComponent(path)];
      if (data === undefined) refuse(response, 404, 'EntryNotFound');
      else if (isLarge(path)) {
        response.writeHead(302, { Location: `${this.cdnUrl}/${dataset}${repo}/${found.commit}/${path}`, 'X-Linked-Etag': `"${sha256(data)}"`, 'X-Linked-Size': String(data.length), 'X-Repo-Commit': found.commit });
        response.end();
      } else this.send(path, data, request, response, { ETag: `"${gitSha1(data)}"`, 'X-Repo-Commit': found.commit });
    } else refuse(response, 404, 'RepoNotFound');
  }

  private serveCdn(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '/', 'http://cdn');
    this.tokens.cdn.push(request.headers.authorization ?? '');
    this.requests.push(`CDN ${decodeURIComponent(pathname)} ${request.headers.range ?? ''}`.trim());
    const [, dataset = '', repo = '', commit = '', path = ''] = /^\/(datasets\/)?([^/]+\/[^/]+)\/([^/]+)\/(.+)$/.exec(decodeURIComponent(pathname)) ?? [];
    this.send(path, this.repositories.get(`${dataset}${repo}`)?.commits[commit]?.[path] ?? Buffer.alloc(0), request, response, {});
  }

  private open(name: string, revision: string, request: IncomingMessage, response: ServerResponse): { commit: string; files: Record<string, Buffer> } | undefined {
    const repository = this.repositories.get(name);
    if (repository === undefined) return refuse(response, 404, 'RepoNotFound');
    if (repository.gated === true) return refuse(response, 403, 'GatedRepo');
    if (repository.token !== undefined && request.headers.authorization !== `Bearer ${repository.token}`) return refuse(response, 401);
    const commit = repository.branches[revision] ?? revision;
    const files = repository.commits[commit];
    return files === undefined ? refuse(response, 404, 'RevisionNotFound') : { commit, files };
  }

  private entry(path: string, data: Buffer): { type: string; path: string; size: number; oid: string; lfs?: object } {
    const size = this.claimedSize.get(path) ?? data.length;
    const pointer = Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(data)}\nsize ${data.length}\n`);
    return { type: 'file', path, size, oid: gitSha1(isLarge(path) ? pointer : data), ...(isLarge(path) && { lfs: { oid: sha256(data), size, pointerSize: pointer.length } }) };
  }

  private send(path: string, data: Buffer, request: IncomingMessage, response: ServerResponse, headers: Record<string, string>): void {
    const trouble = this.troubles.get(path);
    const wrong = trouble !== undefined && trouble.times > 0 ? trouble : undefined;
    if (wrong !== undefined) wrong.times--;
    if (wrong?.status !== undefined) return void refuse(response, wrong.status);
    const from = wrong?.ignoreRange === true ? 0 : Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const body = Buffer.from(data.subarray(from));
    if (wrong?.corrupt === true && body.length > 0) body[body.length - 1] ^= 1;
    response.writeHead(from > 0 ? 206 : 200, { ...headers, 'Content-Length': String(body.length), 'Accept-Ranges': 'bytes', ...(from > 0 && { 'Content-Range': `bytes ${from}-${data.length - 1}/${data.length}` }) });
    if (request.method === 'HEAD') response.end();
    else if (wrong?.cutAfter !== undefined) response.write(body.subarray(0, wrong.cutAfter), () => { setTimeout(() => { response.destroy(); }, 50); });
    else if (wrong?.hangAfter !== undefined) response.write(body.subarray(0, wrong.hangAfter));
    else response.end(body);
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => { resolve(); });
  });
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(value));
}

function refuse(response: ServerResponse, status: number, code?: string): undefined {
  response.writeHead(status, { 'Content-Type': 'application/json', ...(code !== undefined && { 'X-Error-Code': code }) });
  response.end(JSON.stringify({ error: code ?? 'refused' }));
  return undefined;
}
