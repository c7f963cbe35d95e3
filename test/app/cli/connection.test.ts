import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { connectionFromEnvironment } from '../../../app/cli/connection.js';
import { ConnectionConfigError } from '../../../app/cli/errors.js';
import { defaultTaskQueue, resolveState } from '../../../app/cli/state.js';

const folder = mkdtempSync(path.join(tmpdir(), 'connection-'));
const profiles = path.join(folder, 'temporal.toml');
writeFileSync(profiles, '[profile.default]\nnamespace = "only-a-namespace"\n[profile.lab]\naddress = "lab:7233"\nnamespace = "pruning"\n');
const nothing = { TEMPORAL_CONFIG_FILE: path.join(folder, 'none.toml') };
afterAll(() => rmSync(folder, { recursive: true }));

describe('connection from the environment', () => {
  it('is undefined if no address is given', () => {
    expect(connectionFromEnvironment(nothing)).toBeUndefined();
    expect(connectionFromEnvironment({ TEMPORAL_CONFIG_FILE: profiles })).toBeUndefined();
  });

  it('takes address, namespace and API key from variables, and uses TLS with an API key', () => {
    const settings = connectionFromEnvironment({ ...nothing, TEMPORAL_ADDRESS: 'cloud:7233', TEMPORAL_NAMESPACE: 'n', TEMPORAL_API_KEY: 'k' });
    expect(settings).toMatchObject({ options: { address: 'cloud:7233', apiKey: 'k', tls: true }, namespace: 'n', local: false });
  });

  it('takes a profile from the file', () => {
    expect(connectionFromEnvironment({ TEMPORAL_CONFIG_FILE: profiles, TEMPORAL_PROFILE: 'lab' })).toMatchObject({ options: { address: 'lab:7233' }, namespace: 'pruning' });
  });

  const at = { ...nothing, TEMPORAL_ADDRESS: 'cloud:7233' };
  it.each<[string, NodeJS.ProcessEnv, RegExp]>([
    ['an API key without TLS', { TEMPORAL_API_KEY: 'a-secret', TEMPORAL_TLS: 'false' }, /^TEMPORAL_API_KEY: there is an API key, but TLS is off.*Unset TEMPORAL_TLS/],
    // The gRPC library would quote the whole key.
    ['an API key with a line end', { TEMPORAL_API_KEY: 'a-secret\n' }, /^TEMPORAL_API_KEY: its value has characters that cannot be sent/],
    ['a header with a line end', { TEMPORAL_GRPC_META_X_KEY: 'a-secret\r\nx: y' }, /^TEMPORAL_GRPC_META_x-key: its value has characters/],
    ['a client key without a certificate', { TEMPORAL_TLS_CLIENT_KEY_DATA: 'a-secret' }, /there is a client key without its certificate; expected both or none/],
    ['a client certificate without a key', { TEMPORAL_TLS_CLIENT_CERT_DATA: 'a-secret' }, /there is a client certificate without its key/],
    ['an invalid certificate', { TEMPORAL_TLS_CLIENT_CERT_DATA: 'x', TEMPORAL_TLS_CLIENT_KEY_DATA: 'a-secret' }, /^TEMPORAL_TLS_CLIENT_CERT_\.\.\.: it cannot be used \(.*; expected PEM/],
    ['an invalid authority', { TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'a-secret' }, /^TEMPORAL_TLS_SERVER_CA_CERT_\.\.\.: it cannot be used/],
    ['a key in place of its file', { TEMPORAL_TLS_CLIENT_CERT_DATA: 'x', TEMPORAL_TLS_CLIENT_KEY_PATH: '-----BEGIN PRIVATE KEY-----\na-secret\n' }, /ENOENT/],
    ['a file that is not there', { TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/no/ca.pem' }, /ENOENT.*\/no\/ca\.pem.*Fix the TEMPORAL_\* variables/],
  ])('refuses %s without showing a secret', (_, variables, message) => {
    const read = () => connectionFromEnvironment({ ...at, ...variables });
    expect(read).toThrow(ConnectionConfigError);
    expect(read).toThrow(message);
    expect(read).not.toThrow('a-secret');
  });

  it('says where a profile file cannot be read, without showing the line', () => {
    const broken = path.join(folder, 'broken.toml');
    writeFileSync(broken, '[profile.default]\naddress = "a:1"\napi_key = "a-secret\n');
    const read = () => connectionFromEnvironment({ TEMPORAL_CONFIG_FILE: broken });
    expect(read).toThrow(/\(line 3, column \d+ of the profile file\)/);
    expect(read).not.toThrow('a-secret');
  });

  it('says what to do about a profile that does not exist', () => {
    expect(() => connectionFromEnvironment({ TEMPORAL_CONFIG_FILE: profiles, TEMPORAL_PROFILE: 'nix' })).toThrow(ConnectionConfigError);
  });
});

describe('the state folder', () => {
  it('comes from the option, else the variable, else it is .llm-barber in the current folder', () => {
    expect(resolveState('/a/b', { LLM_BARBER_STATE: '/c' })).toBe('/a/b');
    expect(resolveState(undefined, { LLM_BARBER_STATE: '/c/../d' })).toBe(path.resolve('/d'));
    expect(resolveState(undefined, {})).toBe(path.resolve('.llm-barber'));
  });

  it('has its own task queue', () => {
    // printf /data/state | sha256sum
    expect(defaultTaskQueue('/data/state')).toBe('llm-barber-a6f03ffa');
  });
});
