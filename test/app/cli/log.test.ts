import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, expect, it, vi } from 'vitest';
import { closeLog, logFile, openLog } from '../../../app/cli/log.js';
import { needs, where } from '../../helpers/needs.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

it('writes no secret to a log line, wherever a library put it', async () => {
  const state = mkdtempSync(path.join(tmpdir(), 'log-'));
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'a"canary/with+odd\\signs');
  vi.stubEnv('TEMPORAL_API_KEY', 'plain-canary');
  const log = openLog({ state, process: 'p', verbose: false });
  log.error('refused plain-canary', { deep: { header: 'Bearer plain-canary', key: 'a"canary/with+odd\\signs' }, error: new Error('with plain-canary') });
  await closeLog(log);
  const text = readFileSync(logFile(state, 'p'), 'utf8');
  expect(text).toContain('refused [secret]');
  expect(text).not.toContain('canary');
  expect((JSON.parse(text) as { deep: object }).deep).toEqual({ header: 'Bearer [secret]', key: '[secret]' });
  rmSync(state, { recursive: true });
});

it('closes even if the disk is full', where(needs.linux), async () => {
  const state = mkdtempSync(path.join(tmpdir(), 'full-log-'));
  mkdirSync(path.join(state, 'logs'));
  symlinkSync('/dev/full', path.join(state, 'logs', 'worker.jsonl'));
  const log = openLog({ state, process: 'worker', verbose: false });
  log.info('this has no room');
  await setTimeout(100);
  log.info('nor has this');
  await closeLog(log);
  rmSync(state, { recursive: true });
});
