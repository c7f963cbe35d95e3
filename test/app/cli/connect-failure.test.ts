import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, describe, expect, it } from 'vitest';
import { connectClient } from '../../../app/cli/client.js';
import { connectFailure } from '../../../app/cli/connect-failure.js';
import { connectionFromEnvironment, type ConnectionSettings } from '../../../app/cli/connection.js';
import { ServerRefusesError, ServerUnreachableError } from '../../../app/cli/errors.js';
import { freePort } from '../../../app/cli/local/ports.js';
import { Authority, type Pair } from '../../helpers/certificates.js';
import { startTlsProxy, type TlsProxy } from '../../helpers/tls-proxy.js';

const folder = mkdtempSync(path.join(tmpdir(), 'connect-failure-'));
afterAll(() => rmSync(folder, { recursive: true }));

function settings(port: number, variables: NodeJS.ProcessEnv): ConnectionSettings {
  const named = connectionFromEnvironment({ TEMPORAL_CONFIG_FILE: path.join(folder, 'none.toml'), TEMPORAL_ADDRESS: `localhost:${port}`, ...variables });
  if (named === undefined) throw new Error('no address');
  return named;
}

/** The error that a worker gets. */
async function workerFailure(where: ConnectionSettings): Promise<Error> {
  return (await NativeConnection.connect(where.options).catch((cause: unknown) => connectFailure(where, cause))) as Error;
}

/** The errors that a client and a worker get. */
async function failures(where: ConnectionSettings): Promise<Error[]> {
  return [(await connectClient(where).catch((error: unknown) => error)) as Error, await workerFailure(where)];
}

describe('a server that refuses a connection', () => {
  const ours = new Authority(folder, 'ours');
  const theirs = new Authority(folder, 'theirs');
  const server = ours.issue('localhost');
  const stranger = theirs.issue('stranger');
  const trust = { TEMPORAL_TLS_SERVER_CA_CERT_PATH: ours.own.cert };
  const as = ({ cert, key }: Pair) => ({ TEMPORAL_TLS_CLIENT_CERT_PATH: cert, TEMPORAL_TLS_CLIENT_KEY_PATH: key });

  async function withProxy(options: Partial<Parameters<typeof startTlsProxy>[0]>, look: (proxy: TlsProxy) => Promise<void>): Promise<void> {
    const proxy = await startTlsProxy({ server, ...options });
    try {
      await look(proxy);
    } finally {
      await proxy.close();
    }
  }

  it.each<[string, NodeJS.ProcessEnv, Parameters<typeof withProxy>[0], RegExp]>([
    ['another authority', { TEMPORAL_TLS_SERVER_CA_CERT_PATH: theirs.own.cert }, {}, /^localhost:\d+: the server's certificate was not signed by the given CA certificate \([A-Z_]+\); .* Set TEMPORAL_TLS_SERVER_CA_CERT_PATH/],
    ['an authority that the system does not know', { TEMPORAL_TLS: 'true' }, {}, /not signed by one of the system's authorities/],
    ['a certificate for another name', trust, { server: ours.issue('elsewhere.example') }, /certificate is for another name; expected the name in the address\. .*TEMPORAL_TLS_SERVER_NAME/],
    ['no client certificate', trust, { clientAuthority: ours.own.cert }, /refuses a client without a certificate .*; .* Set TEMPORAL_TLS_CLIENT_CERT_PATH/],
    ['a client certificate of another authority', { ...trust, ...as(stranger) }, { clientAuthority: ours.own.cert }, /refuses the client certificate /],
    ['no API key', trust, { apiKey: 'right' }, /no API key is set \(.*Set TEMPORAL_API_KEY/],
    ['a wrong API key', { ...trust, TEMPORAL_API_KEY: 'wrong' }, { apiKey: 'right' }, /the server refuses the API key \(.*Set TEMPORAL_API_KEY/],
  ])('says why to clients and workers: %s', async (_, variables, options, message) => {
    await withProxy(options, async ({ port }) => {
      for (const failure of await failures(settings(port, variables))) {
        expect(failure).toBeInstanceOf(ServerRefusesError);
        expect(failure.message).toMatch(message);
      }
    });
  });

  // A client would retry for 10 seconds here, because the server may be starting. Its message comes from the same code.
  it('says to use TLS if it requires TLS', async () => {
    await withProxy({}, async ({ port }) => {
      expect((await workerFailure(settings(port, {}))).message).toMatch(/does not speak gRPC without TLS .* Set TEMPORAL_TLS=true/);
    });
  });

  it('says not to use TLS if it does not speak TLS', async () => {
    const plain = createServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-nothing\r\n'));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    try {
      for (const failure of await failures(settings((plain.address() as AddressInfo).port, trust))) expect(failure.message).toMatch(/the server does not speak TLS .* Set TEMPORAL_TLS=false/);
    } finally {
      plain.close();
    }
  });

  it('is reported as unreachable if it does not exist', async () => {
    const failure = await workerFailure(settings(await freePort(), trust));
    expect(failure).toBeInstanceOf(ServerUnreachableError);
    expect(failure.message).toMatch(/^no Temporal server answers on localhost:\d+ \(ECONNREFUSED\)\. Check TEMPORAL_ADDRESS/);
  });
});
