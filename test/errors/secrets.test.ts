import { describe, expect, it } from 'vitest';
import { computeEnvironment, environmentWithoutSecrets, withoutSecrets } from '../../errors/secrets.js';

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
  LLM_BARBER_WEBHOOK: 'https://chat.example/hooks/T0-secret',
  LLM_BARBER_WEBHOOK_SECRET: 'signing-key',
  MLFLOW_TRACKING_PASSWORD: 'mlflow-password',
  OTEL_EXPORTER_OTLP_HEADERS: 'x-key=trace-key-of-ours',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
  AWS_SECRET_ACCESS_KEY: 'aws-secret',
  AWS_REGION: 'eu-north-1',
};

describe('secrets', () => {
  it('are removed from text, line by line, plain and as JSON', () => {
    const text = Object.values(environment).join(' | ');
    for (const written of [text, JSON.stringify({ text })]) {
      const clean = withoutSecrets(written, environment);
      for (const secret of ['an-api-key', 'header-token', 'MIGHAgEAMBMG', 'ByqGSM49AgEG', 'c2VjcmV0', 'hf_abcdefgh', 'T0-secret', 'signing-key', 'mlflow-password', 'trace-key-of-ours', 'aws-secret']) expect(clean).not.toContain(secret);
      for (const harmless of ['lab:7233', '/usr/bin', '/etc/temporal/client.key', '/etc/keys', 'eu-north-1']) expect(clean).toContain(harmless);
    }
  });

  it('leave text unchanged if none is set, or if a value is too short', () => {
    expect(withoutSecrets('a b c', {})).toBe('a b c');
    expect(withoutSecrets('a b c', { HF_TOKEN: '', TEMPORAL_API_KEY: 'b' })).toBe('a b c');
  });

  it('do not go to processes that do not need them', () => {
    expect(environmentWithoutSecrets(environment)).toEqual({ PATH: '/usr/bin', AWS_REGION: 'eu-north-1' });
  });

  it('that the compute process does not need are kept from it, and those that it needs are not in its initial environment', () => {
    const more = {
      ...environment, GITHUB_TOKEN: 'github', PGPASSWORD: 'database', LD_LIBRARY_PATH: '/lib', CUDA_VISIBLE_DEVICES: '1', HF_HOME: '/hub', https_proxy: 'http://proxy', LLM_BARBER_ADMISSION: 'off', TF_NUM_INTRAOP_THREADS: '2',
    };
    const open = { PATH: '/usr/bin', LD_LIBRARY_PATH: '/lib', CUDA_VISIBLE_DEVICES: '1', HF_HOME: '/hub', https_proxy: 'http://proxy', LLM_BARBER_ADMISSION: 'off', TF_NUM_INTRAOP_THREADS: '2' };
    expect(computeEnvironment(false, more)).toEqual({ open, secret: { HF_TOKEN: 'hf_abcdefgh' } });
    expect(computeEnvironment(true, more)).toEqual({ open: { ...open, AWS_REGION: 'eu-north-1' }, secret: { HF_TOKEN: 'hf_abcdefgh', AWS_SECRET_ACCESS_KEY: 'aws-secret' } });
  });
});
