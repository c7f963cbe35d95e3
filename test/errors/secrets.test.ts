import { describe, expect, it } from 'vitest';
import { environmentWithoutSecrets, environmentWithoutTemporal, withoutSecrets } from '../../errors/secrets.js';

const environment = {
  PATH: '/usr/bin',
  TEMPORAL_ADDRESS: 'lab:7233',
  TEMPORAL_API_KEY: 'an-api-key',
  TEMPORAL_GRPC_META_X_TOKEN: 'header-token',
  TEMPORAL_TLS_CLIENT_KEY_DATA: '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\nByqGSM49AgEG\n-----END PRIVATE KEY-----\n',
  TEMPORAL_TLS_CLIENT_KEY_PATH: '/etc/temporal/client.key',
  LLM_BARBER_PAYLOAD_KEY: 'k1:c2VjcmV0IG9uZQ==,k2:c2VjcmV0IHR3bw==',
  LLM_BARBER_PAYLOAD_KEY_FILE: '/etc/keys',
  HF_TOKEN: 'hf_abcdefgh',
  AWS_SECRET_ACCESS_KEY: 'aws-secret',
  AWS_REGION: 'eu-north-1',
};

describe('secrets', () => {
  it('are taken out of text, line by line, as they are and as JSON writes them', () => {
    const text = Object.values(environment).join(' | ');
    for (const written of [text, JSON.stringify({ text })]) {
      const clean = withoutSecrets(written, environment);
      for (const secret of ['an-api-key', 'header-token', 'MIGHAgEAMBMG', 'ByqGSM49AgEG', 'c2VjcmV0', 'hf_abcdefgh', 'aws-secret']) expect(clean).not.toContain(secret);
      for (const harmless of ['lab:7233', '/usr/bin', '/etc/temporal/client.key', '/etc/keys', 'eu-north-1']) expect(clean).toContain(harmless);
    }
  });

  it('leave text alone where none is set, or where a value is too short to tell', () => {
    expect(withoutSecrets('a b c', {})).toBe('a b c');
    expect(withoutSecrets('a b c', { HF_TOKEN: '', TEMPORAL_API_KEY: 'b' })).toBe('a b c');
  });

  it('do not go to processes that do not need them', () => {
    expect(environmentWithoutTemporal(environment)).toEqual({ PATH: '/usr/bin', HF_TOKEN: 'hf_abcdefgh', AWS_SECRET_ACCESS_KEY: 'aws-secret', AWS_REGION: 'eu-north-1' });
    expect(environmentWithoutSecrets(environment)).toEqual({ PATH: '/usr/bin', AWS_REGION: 'eu-north-1' });
  });
});
