import { loadClientConfigProfile, toClientOptions, type ClientConnectConfig } from '@temporalio/envconfig';
import { ConnectionConfigError } from './errors.js';

/** Which Temporal server, and how to get in. */
export interface ConnectionSettings {
  /** For `Connection.connect` (client) and `NativeConnection.connect` (worker) alike. */
  options: ClientConnectConfig['connectionOptions'] & { address: string };
  namespace: string;
  /** True for this state's own local server, false for one that the environment names. */
  local: boolean;
}

/**
 * The server that Temporal's own environment variables (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_TLS...`,
 * `TEMPORAL_API_KEY`, `TEMPORAL_PROFILE`, ...) or profile file name; undefined if they name no address.
 * @throws ConnectionConfigError
 */
export function connectionFromEnvironment(environment: NodeJS.ProcessEnv = process.env): ConnectionSettings | undefined {
  const variables = Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined));
  try {
    const profile = loadClientConfigProfile({ overrideEnvVars: variables });
    if (!profile.address) return undefined;
    const { connectionOptions, namespace } = toClientOptions(profile);
    return { options: { ...connectionOptions, address: profile.address }, namespace: namespace ?? 'default', local: false };
  } catch (error) {
    throw new ConnectionConfigError(
      {
        what: `Temporal's environment settings cannot be used: ${error instanceof Error ? error.message : String(error)}`,
        remedy: 'Mend the TEMPORAL_* variables or the profile file (TEMPORAL_CONFIG_FILE), or unset them to use a local server',
      },
      { cause: error },
    );
  }
}

/** How to reach this state's local server at `address`. */
export function localConnection(address: string): ConnectionSettings {
  return { options: { address, tls: false }, namespace: 'default', local: true };
}
