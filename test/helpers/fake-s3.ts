import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface StoredObject {
  body: Buffer;
  etag: string;
  changedAt: Date;
}

/**
 * An S3 server in memory with what the store needs: objects with conditional writes, listings, removals. It does not check signatures.
 * Tests can make it do things that a real server rarely does.
 */
export class FakeS3 {
  /** By key as the server decodes it, without the bucket. */
  readonly objects = new Map<string, StoredObject>();
  /** Requests so far, as `PUT key`. */
  readonly requests: string[] = [];
  /** Requests that it does not allow, as in {@link requests}. */
  refused: RegExp | undefined;
  private lost = (_: string): boolean => false;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<FakeS3> {
    const server = createServer();
    const fake = new FakeS3(server);
    server.on('request', (request, response) => void fake.answer(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return fake;
  }

  /** The environment variables that clients need. */
  get environment(): Record<string, string> {
    const { port } = this.server.address() as AddressInfo;
    return { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`, AWS_ACCESS_KEY_ID: 'AK', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-east-1', AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };
  }

  /** Executes the next matching request, but closes the connection instead of answering. @param request as in {@link requests} */
  loseAnswerOf(request: RegExp): void {
    this.lost = (given) => {
      if (!request.test(given)) return false;
      this.lost = () => false;
      return true;
    };
  }

  /** Makes all objects look older. */
  age(milliseconds: number): void {
    for (const object of this.objects.values()) object.changedAt = new Date(object.changedAt.getTime() - milliseconds);
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://s3');
    const [, , ...rest] = url.pathname.split('/');
    const key = rest.map(decodeURIComponent).join('/');
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const call = `${request.method} ${key}`;
    this.requests.push(call);
    const { status, headers = {}, body = '' } = this.refused?.test(call) === true ? failure(403, 'AccessDenied') : this.done(request, url, key, Buffer.concat(parts));
    if (this.lost(call)) {
      request.socket.destroy();
      return;
    }
    response.writeHead(status, headers).end(request.method === 'HEAD' ? '' : body);
  }

  private done({ method, headers }: IncomingMessage, { searchParams }: URL, key: string, body: Buffer): { status: number; headers?: Record<string, string>; body?: string | Buffer } {
    const found = this.objects.get(key);
    if (searchParams.has('uploads')) return { status: 200, body: '<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>' };
    if (searchParams.has('delete')) {
      for (const [, name] of body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)) this.objects.delete(fromXml(name));
      return { status: 200, body: '<DeleteResult></DeleteResult>' };
    }
    if (searchParams.has('list-type')) return { status: 200, body: this.listing(searchParams.get('prefix') ?? '') };
    if (method === 'PUT') {
      if (headers['if-none-match'] === '*' && found !== undefined) return failure(412, 'PreconditionFailed');
      if (headers['if-match'] !== undefined && found === undefined) return failure(404, 'NoSuchKey');
      if (headers['if-match'] !== undefined && headers['if-match'] !== found?.etag) return failure(412, 'PreconditionFailed');
      const etag = `"${createHash('md5').update(body).digest('hex')}"`;
      this.objects.set(key, { body, etag, changedAt: new Date() });
      return { status: 200, headers: { ETag: etag } };
    }
    if (found === undefined) return failure(404, 'NoSuchKey');
    return { status: 200, headers: { ETag: found.etag, 'Last-Modified': found.changedAt.toUTCString(), 'Content-Length': String(found.body.length) }, body: found.body };
  }

  private listing(prefix: string): string {
    const contents = [...this.objects].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { body, etag, changedAt }]) => `<Contents><Key>${toXml(key)}</Key><Size>${body.length}</Size><ETag>${toXml(etag)}</ETag><LastModified>${changedAt.toISOString()}</LastModified></Contents>`);
    return `<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>${contents.join('')}</ListBucketResult>`;
  }
}

function failure(status: number, code: string): { status: number; headers: Record<string, string>; body: string } {
  return { status, headers: { 'Content-Type': 'application/xml' }, body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>` };
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };
const toXml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]);
const fromXml = (text: string): string => Object.entries(entities).reduceRight((plain, [character, entity]) => plain.replaceAll(entity, character), text);
