import { connect, isIP } from 'node:net';
import { connect as secureConnect } from 'node:tls';
import type { FaultText } from '../../errors/fault.js';
import type { ConnectionSettings } from './connection.js';
import { ServerRefusesError, ServerUnreachableError } from './errors.js';

/*
 * gRPC libraries retry a failed handshake until a timeout, and then report only the timeout. So the connection is also tried once by hand,
 * to learn the reason.
 */
const probeMs = 5_000;

/** How far a connection by hand got. `serving`: the server speaks HTTP/2. */
interface Probe {
  reached: 'nothing' | 'handshake' | 'serving';
  /** Code of the error from the system or OpenSSL. */
  code: string;
}

/** What every HTTP/2 client sends first: its preface and empty settings. The server answers with a settings frame. */
const greeting = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');
const settingsFrame = 4;

type Tls = ConnectionSettings['options']['tls'];

/** Returns the TLS settings; undefined if TLS is off. */
const securityOf = (tls: Tls): Extract<Tls, object> | undefined => (typeof tls === 'object' && tls !== null ? tls : tls === true ? {} : undefined);

async function probe({ options: { address, tls } }: ConnectionSettings): Promise<Probe> {
  const secure = securityOf(tls);
  const url = new URL(`http://${address}`);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || '7233');
  const socket = secure === undefined ? connect({ host, port }) : secureConnect({
    host,
    port,
    ...(secure.serverRootCACertificate && { ca: Buffer.from(secure.serverRootCACertificate) }),
    ...(secure.clientCertPair && { cert: Buffer.from(secure.clientCertPair.crt), key: Buffer.from(secure.clientCertPair.key) }),
    servername: secure.serverNameOverride ?? (isIP(host) === 0 ? host : ''),
    ALPNProtocols: ['h2'],
  });
  return await new Promise((resolve) => {
    let reached: Probe['reached'] = 'nothing';
    const end = (code: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ reached, code });
    };
    const timer = setTimeout(() => end('no answer'), probeMs);
    socket.once(secure === undefined ? 'connect' : 'secureConnect', () => {
      reached = 'handshake';
      socket.write(greeting);
    });
    socket.once('data', (frame: Buffer) => {
      if (frame[3] === settingsFrame) reached = 'serving';
      end(reached === 'serving' ? '' : 'not HTTP/2');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.once('close', () => end('closed'));
  });
}

const untrusted = /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?)|CERT_(UNTRUSTED|SIGNATURE_FAILURE))$/;
const expired = /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/;

/** Returns what TLS certainly finds wrong; undefined for everything that may pass later. */
function refusal({ options: { address, tls } }: ConnectionSettings, { reached, code }: Probe): FaultText | undefined {
  const where = address;
  const own = securityOf(tls);
  if (untrusted.test(code)) {
    const given = own?.serverRootCACertificate === undefined ? "one of the system's authorities" : 'the given CA certificate';
    return { where, what: `the server's certificate was not signed by ${given} (${code})`, expected: 'a certificate from a known authority', remedy: 'Set TEMPORAL_TLS_SERVER_CA_CERT_PATH to the certificate of the authority that signed it, or correct it if it is set' };
  }
  if (expired.test(code)) return { where, what: `the server's certificate is not valid now (${code})`, remedy: "Correct this machine's clock, or have the certificate renewed" };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return { where, what: "the server's certificate is for another name", expected: own?.serverNameOverride ?? 'the name in the address', remedy: 'Correct TEMPORAL_ADDRESS, or set TEMPORAL_TLS_SERVER_NAME to the name in the certificate' };
  }
  if (/^(EPROTO|ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST))$/.test(code)) {
    return { where, what: `the server does not speak TLS (${code})`, remedy: 'Set TEMPORAL_TLS=false if that is intended (an API key needs TLS), or correct TEMPORAL_ADDRESS' };
  }
  const alert = /ALERT/.test(code);
  if (tls && (alert || (reached === 'handshake' && (code === 'closed' || code === 'ECONNRESET')))) {
    const what = own?.clientCertPair === undefined
      ? `the server refuses a client without a certificate (${code})`
      : `the server refuses the client certificate (${code})`;
    return { where, what, expected: 'a certificate that the server accepts, with its key', remedy: 'Set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH to the pair that its operator gave you' };
  }
  return undefined;
}

/** Resolves to the fault if TLS fails in a way that no retry fixes, else to undefined. */
export async function tlsRefusal(settings: ConnectionSettings): Promise<ServerRefusesError | undefined> {
  if (!settings.options.tls) return undefined;
  const text = refusal(settings, await probe(settings));
  return text === undefined ? undefined : new ServerRefusesError(text);
}

/** Finds out why a connection failed, as far as a probe can tell. */
export async function connectFailure(settings: ConnectionSettings, cause: unknown): Promise<ServerRefusesError | ServerUnreachableError> {
  const { options: { address, tls, apiKey }, local } = settings;
  const said = reasonOf(cause);
  if (local) return new ServerUnreachableError({ what: `no Temporal server answers on ${address} (${said})`, remedy: 'Run the command again' }, { cause });
  const seen = await probe(settings);
  const refused = refusal(settings, seen);
  if (refused !== undefined) return new ServerRefusesError(refused, { cause });
  if (seen.reached === 'serving' && /unauthenticated|valid authentication credentials|permission.?denied|does not have permission/i.test(said)) {
    const what = apiKey === undefined ? 'the server requires authentication, and no API key is set' : 'the server refuses the API key';
    return new ServerRefusesError({ where: address, what: `${what} (${said})`, remedy: 'Set TEMPORAL_API_KEY to a key that is valid for this server and namespace' }, { cause });
  }
  if (!tls && seen.reached !== 'nothing') {
    const what = `something listens there, but it does not speak gRPC without TLS (${seen.code || said})`;
    return new ServerUnreachableError({ where: address, what, remedy: 'Set TEMPORAL_TLS=true (and the certificates that the server needs), or correct TEMPORAL_ADDRESS' }, { cause });
  }
  return new ServerUnreachableError(
    { what: `no Temporal server answers on ${address} (${seen.code || said})`, remedy: 'Check TEMPORAL_ADDRESS and that the server is running, or unset TEMPORAL_ADDRESS to use a local server' },
    { cause },
  );
}

/** Returns the message of the innermost error. The outer ones only say that there was an error. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message;
}
