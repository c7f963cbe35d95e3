import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { connectionFromEnvironment } from '../../cli/connection.js';
import { ConnectionConfigError } from '../../cli/errors.js';
import { defaultTaskQueue, resolveState } from '../../cli/state.js';

const folder = mkdtempSync(path.join(tmpdir(), 'connection-'));
const profiles = path.join(folder, 'temporal.toml');
writeFileSync(profiles, '[profile.default]\nnamespace = "only-a-namespace"\n[profile.lab]\naddress = "lab:7233"\nnamespace = "pruning"\n');
const nothing = { TEMPORAL_CONFIG_FILE: path.join(folder, 'none.toml') };
afterAll(() => rmSync(folder, { recursive: true }));

describe('connection from the environment', () => {
  it('is none where no address is named', () => {
    expect(connectionFromEnvironment(nothing)).toBeUndefined();
    expect(connectionFromEnvironment({ TEMPORAL_CONFIG_FILE: profiles })).toBeUndefined();
  });

  it('takes address, namespace and API key from variables; an API key means TLS', () => {
    const settings = connectionFromEnvironment({ ...nothing, TEMPORAL_ADDRESS: 'cloud:7233', TEMPORAL_NAMESPACE: 'n', TEMPORAL_API_KEY: 'k' });
    expect(settings).toMatchObject({ options: { address: 'cloud:7233', apiKey: 'k', tls: true }, namespace: 'n', local: false });
  });

  it('takes a profile of the file', () => {
    expect(connectionFromEnvironment({ TEMPORAL_CONFIG_FILE: profiles, TEMPORAL_PROFILE: 'lab' })).toMatchObject({ options: { address: 'lab:7233' }, namespace: 'pruning' });
  });

  it('says what to do about a profile that does not exist', () => {
    expect(() => connectionFromEnvironment({ TEMPORAL_CONFIG_FILE: profiles, TEMPORAL_PROFILE: 'nix' })).toThrow(ConnectionConfigError);
  });
});

describe('state', () => {
  it('is the option, else the variable, else .llm-barber here', () => {
    expect(resolveState('/a/b', { LLM_BARBER_STATE: '/c' })).toBe('/a/b');
    expect(resolveState(undefined, { LLM_BARBER_STATE: '/c/../d' })).toBe(path.resolve('/d'));
    expect(resolveState(undefined, {})).toBe(path.resolve('.llm-barber'));
  });

  it('has a task queue of its own', () => {
    // printf /data/state | sha256sum
    expect(defaultTaskQueue('/data/state')).toBe('llm-barber-a6f03ffa');
  });
});
