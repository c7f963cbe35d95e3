import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sha256, type FakeRepository } from './hub-server.js';

/** Files that the hub takes as large files. */
const isLarge = (path: string): boolean => /\.safetensors$/.test(path);

/** The upload part of a hub's protocol: creates repositories, receives large files one by one, and makes commits. */
export class HubUploads {
  /** Large files that were received completely, by SHA-256, whether or not a commit has them. */
  readonly blobs = new Map<string, Buffer>();
  /** Number of bytes of large files that were received. */
  received = 0;
  /** Whether to close the connection instead of taking this large file. */
  refuse: (file: Buffer) => boolean = () => false;
  /** If true, the next commit is made, but the connection is closed instead of answering. */
  loseAnswer = false;
  /** The token that may write. */
  token = 'may-write';

  constructor(
    private readonly repositories: Map<string, FakeRepository>,
    private readonly url: () => string,
  ) {}

  /** @returns false if the request is not an upload */
  serve(request: IncomingMessage, response: ServerResponse, body: Buffer): boolean {
    const { pathname } = new URL(request.url ?? '/', 'http://hub');
    const call = `${request.method} ${pathname}`;
    if (call.startsWith('PUT /lfs/')) {
      this.put(pathname.slice('/lfs/'.length), body, request, response);
      return true;
    }
    const [, name = ''] = /^POST \/api\/models\/([^/]+\/[^/]+)\/(?:preupload|commit)\/main$/.exec(call) ?? /^POST \/([^/]+\/[^/]+)\.git\/info\/lfs\/objects\/batch$/.exec(call) ?? [];
    if (call !== 'POST /api/repos/create' && name === '') return false;
    if (request.headers.authorization !== `Bearer ${this.token}`) {
      answer(response, 403, { error: 'forbidden' });
      return true;
    }
    if (call === 'POST /api/repos/create') this.create(JSON.parse(body.toString()) as { name: string; organization: string; visibility: string }, response);
    else if (call.includes('/preupload/')) answer(response, 200, { files: (JSON.parse(body.toString()) as { files: { path: string }[] }).files.map(({ path }) => ({ path, uploadMode: isLarge(path) ? 'lfs' : 'regular', shouldIgnore: false })) });
    else if (call.endsWith('/batch')) this.batch(JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] }, response);
    else this.commit(name, body.toString().split('\n').map((line) => JSON.parse(line) as Line), request, response);
    return true;
  }

  private create({ name, organization, visibility }: { name: string; organization: string; visibility: string }, response: ServerResponse): void {
    const commit = createHash('sha1').update(`${organization}/${name}`).digest('hex');
    this.repositories.set(`${organization}/${name}`, { branches: { main: commit }, commits: { [commit]: {} }, visibility });
    answer(response, 200, { url: `${this.url()}/${organization}/${name}`, id: `${organization}/${name}`, name: `${organization}/${name}` });
  }

  private batch({ objects }: { objects: { oid: string; size: number }[] }, response: ServerResponse): void {
    const missing = ({ oid }: { oid: string }) => (this.blobs.has(oid) ? {} : { actions: { upload: { href: `${this.url()}/lfs/${oid}`, header: {} } } });
    answer(response, 200, { transfer: 'basic', objects: objects.map((object) => ({ ...object, authenticated: true, ...missing(object) })) });
  }

  private put(oid: string, body: Buffer, request: IncomingMessage, response: ServerResponse): void {
    if (this.refuse(body)) {
      request.socket.destroy();
      return;
    }
    this.received += body.length;
    if (sha256(body) !== oid) return void answer(response, 400, { error: 'not the file' });
    this.blobs.set(oid, body);
    answer(response, 200, {});
  }

  private commit(name: string, [header, ...operations]: Line[], request: IncomingMessage, response: ServerResponse): void {
    const repository = this.repositories.get(name);
    const head = repository?.branches['main'] ?? '';
    if (repository === undefined || header.value.parentCommit !== head) return void answer(response, 412, { error: 'a commit has happened since' });
    const files = { ...repository.commits[head] };
    for (const { key, value } of operations) {
      if (key === 'deletedFile') delete files[value.path];
      else files[value.path] = key === 'lfsFile' ? (this.blobs.get(value.oid) ?? Buffer.from('missing')) : Buffer.from(value.content, 'base64');
    }
    const commit = createHash('sha1').update(head + JSON.stringify(operations)).digest('hex');
    repository.branches['main'] = commit;
    repository.commits[commit] = files;
    if (this.loseAnswer) {
      this.loseAnswer = false;
      request.socket.destroy();
    } else answer(response, 200, { success: true, commitOid: commit, commitUrl: `${this.url()}/${name}/commit/${commit}`, hookOutput: '' });
  }
}

interface Line {
  key: string;
  value: { path: string; oid: string; content: string; parentCommit?: string };
}

function answer(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(value));
}
