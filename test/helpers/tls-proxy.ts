import { readFileSync } from 'node:fs';
import { connect, createSecureServer, type IncomingHttpHeaders, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Pair } from './certificates.js';

export interface TlsProxy {
  port: number;
  /** The `authorization` header of every call so far; undefined for a call without it. */
  authorizations: (string | undefined)[];
  close(): Promise<void>;
}

export interface TlsProxyOptions {
  /** `host:port` of a gRPC server without TLS. If absent, calls are only counted. */
  upstream?: string;
  server: Pair;
  /** Certificate of the authority whose clients are accepted. If absent, all clients are. */
  clientAuthority?: string;
  /** Calls without this key are refused, as a real cluster does. */
  apiKey?: string;
}

/** Starts a gRPC server with TLS on loopback that terminates TLS, checks the API key, and forwards calls. */
export async function startTlsProxy({ upstream, server: { cert, key }, clientAuthority, apiKey }: TlsProxyOptions): Promise<TlsProxy> {
  const authorizations: (string | undefined)[] = [];
  const server = createSecureServer({
    cert: readFileSync(cert),
    key: readFileSync(key),
    ...(clientAuthority !== undefined && { ca: readFileSync(clientAuthority), requestCert: true, rejectUnauthorized: true }),
  });
  const behind = upstream === undefined ? undefined : connect(`http://${upstream}`);
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => undefined);
  });
  behind?.on('error', () => undefined);
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    authorizations.push(headers.authorization);
    if (behind === undefined || (apiKey !== undefined && headers.authorization !== `Bearer ${apiKey}`)) {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '16', 'grpc-message': 'Request unauthorized.' }, { endStream: true });
      return;
    }
    const call = behind.request({ ...headers, ':scheme': 'http' });
    let trailers: IncomingHttpHeaders = {};
    call.on('error', () => stream.destroy());
    call.on('trailers', (received: IncomingHttpHeaders) => (trailers = received));
    call.on('response', (answer, flags) => {
      if (stream.destroyed) return;
      // Flag 1: the answer has no body, and its headers are its trailers.
      stream.respond(answer, (flags & 1) === 1 ? { endStream: true } : { waitForTrailers: true });
      if ((flags & 1) === 0) call.pipe(stream);
    });
    stream.on('wantTrailers', () => {
      stream.sendTrailers(trailers);
    });
    stream.on('close', () => call.close());
    stream.pipe(call);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    for (const session of sessions) session.destroy();
    behind?.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, authorizations, close };
}
