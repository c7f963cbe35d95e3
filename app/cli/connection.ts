import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { loadClientConfigProfile, toClientOptions, type ClientConfigProfile, type ClientConnectConfig } from '@temporalio/envconfig';
import type { FaultText } from '../../errors/fault.js';
import { withoutSecrets } from '../../errors/secrets.js';
import { ConnectionConfigError } from './errors.js';

/** Which Temporal server to use, and how to connect to it. */
export interface ConnectionSettings {
  /** For both `Connection.connect` (client) and `NativeConnection.connect` (worker). */
  options: ClientConnectConfig['connectionOptions'] & { address: string };
  namespace: string;
  /** True for the local server of this state, false for one that the environment names. */
  local: boolean;
}

/**
 * Returns the server that Temporal's own environment variables (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_TLS...`,
 * `TEMPORAL_API_KEY`, `TEMPORAL_PROFILE`, ...) or profile file name; undefined if they name no address.
 * @throws ConnectionConfigError
 */
export function connectionFromEnvironment(environment: NodeJS.ProcessEnv = process.env): ConnectionSettings | undefined {
  const variables = Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined));
  try {
    const profile = loadClientConfigProfile({ overrideEnvVars: variables });
    if (!profile.address) return undefined;
    const wrong = problemOf(profile);
    if (wrong !== undefined) throw new ConnectionConfigError(wrong);
    const { connectionOptions, namespace } = toClientOptions(profile);
    checkCertificates(connectionOptions.tls);
    return { options: { ...connectionOptions, address: profile.address }, namespace: namespace ?? 'default', local: false };
  } catch (error) {
    if (error instanceof ConnectionConfigError) throw error;
    // The message of a syntax error in the profile file also quotes the lines around it, which may hold a key.
    const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new ConnectionConfigError({
      what: `Temporal's environment settings cannot be used: ${withoutSecrets(reason, environment)}${placeOf(error)}`,
      remedy: 'Fix the TEMPORAL_* variables or the profile file (TEMPORAL_CONFIG_FILE), or unset them to use a local server',
    });
  }
}

/** Line and column of a syntax error in the profile file. */
function placeOf(error: unknown): string {
  const { line, column } = (error ?? {}) as { line?: unknown; column?: unknown };
  return typeof line === 'number' && typeof column === 'number' ? ` (line ${line}, column ${column} of the profile file)` : '';
}

/** Finds settings that would fail later without a clear message, or would show a secret. */
function problemOf({ apiKey, tls, grpcMeta = {} }: ClientConfigProfile): FaultText | undefined {
  if (apiKey !== undefined && tls?.disabled === true) {
    return { where: 'TEMPORAL_API_KEY', what: 'there is an API key, but TLS is off, so others on the network could read it', expected: 'TLS', remedy: 'Unset TEMPORAL_TLS (an API key turns TLS on), or unset the API key' };
  }
  const headers = [['TEMPORAL_API_KEY', apiKey ?? ''], ...Object.entries(grpcMeta).map(([name, value]) => [`TEMPORAL_GRPC_META_${name}`, value])] as const;
  const odd = headers.find(([, value]) => !/^[\x20-\x7e]*$/.test(value));
  if (odd !== undefined) return { where: odd[0], what: 'its value has characters that cannot be sent, such as a line break', expected: 'printable ASCII on one line', remedy: 'Set it again' };
  if (tls?.disabled !== true && (tls?.clientCert === undefined) !== (tls?.clientKey === undefined)) {
    const [there, missing] = tls?.clientCert === undefined ? ['key', 'certificate'] : ['certificate', 'key'];
    return { where: 'TEMPORAL_TLS_CLIENT_CERT_..., TEMPORAL_TLS_CLIENT_KEY_...', what: `there is a client ${there} without its ${missing}`, expected: 'both or none', remedy: `Set the ${missing} too` };
  }
  return undefined;
}

/** @throws ConnectionConfigError if a certificate or key is not valid PEM, or if they do not belong together */
function checkCertificates(tls: ClientConnectConfig['connectionOptions']['tls']): void {
  if (typeof tls !== 'object' || tls === null) return;
  const { serverRootCACertificate: ca, clientCertPair: pair } = tls;
  const parts = [
    ['TEMPORAL_TLS_SERVER_CA_CERT_...', () => ca && new X509Certificate(ca)],
    ['TEMPORAL_TLS_CLIENT_CERT_...', () => pair && new X509Certificate(pair.crt)],
    ['TEMPORAL_TLS_CLIENT_KEY_...', () => pair && createSecureContext({ key: Buffer.from(pair.key), cert: Buffer.from(pair.crt) })],
  ] as const;
  for (const [where, open] of parts) {
    try {
      open();
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      const what = code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' ? 'the key belongs to another certificate' : `it cannot be used (${code || 'not PEM'})`;
      throw new ConnectionConfigError({ where, what, expected: 'PEM, without a passphrase', remedy: 'Name the right file, or set it again' });
    }
  }
}

/** Returns the connection to this state's local server at `address`. */
export function localConnection(address: string): ConnectionSettings {
  return { options: { address, tls: false }, namespace: 'default', local: true };
}
