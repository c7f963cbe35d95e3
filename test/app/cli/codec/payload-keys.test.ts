import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { payloadKeysFromEnvironment } from '../../../../app/cli/codec/payload-keys.js';
import { PayloadKeyError } from '../../../../app/cli/errors.js';

const folder = mkdtempSync(path.join(tmpdir(), 'payload-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));
const key = (bytes = 32): string => randomBytes(bytes).toString('base64');
const file = path.join(folder, 'keys');

describe('payload keys', () => {
  it('are absent if neither variable is set', () => {
    expect(payloadKeysFromEnvironment({})).toBeUndefined();
    expect(payloadKeysFromEnvironment({ LLM_BARBER_PAYLOAD_KEY: '', LLM_BARBER_PAYLOAD_KEY_FILE: '' })).toBeUndefined();
  });

  it('come from a file, where the first one encrypts', () => {
    writeFileSync(file, `# since November\n2026-11:${key()}\r\n\n  2025-01:${key()}\n`);
    const keys = payloadKeysFromEnvironment({ LLM_BARBER_PAYLOAD_KEY_FILE: file });
    expect(keys?.current).toBe('2026-11');
    expect([...(keys?.byId.keys() ?? [])]).toEqual(['2026-11', '2025-01']);
  });

  it('come from a variable too, separated by commas', () => {
    expect([...(payloadKeysFromEnvironment({ LLM_BARBER_PAYLOAD_KEY: `b:${key()},a:${key()}` })?.byId.keys() ?? [])]).toEqual(['b', 'a']);
  });

  const secret = key();
  it.each<[string, NodeJS.ProcessEnv, RegExp]>([
    ['both variables', { LLM_BARBER_PAYLOAD_KEY: `a:${secret}`, LLM_BARBER_PAYLOAD_KEY_FILE: file }, /both are set; expected one of them/],
    ['a key without an id', { LLM_BARBER_PAYLOAD_KEY: secret }, /^LLM_BARBER_PAYLOAD_KEY, entry 1: this is not a key with an id/],
    ['an id with a space', { LLM_BARBER_PAYLOAD_KEY: `a b:${secret}` }, /this is not a key with an id/],
    ['a short key', { LLM_BARBER_PAYLOAD_KEY: `# x\na:${key(16)}` }, /entry 2: key a has 16 bytes; expected 32/],
    ['an id twice', { LLM_BARBER_PAYLOAD_KEY: `a:${secret}\na:${key()}` }, /entry 2: the id a appears twice/],
    ['only a comment', { LLM_BARBER_PAYLOAD_KEY: '# none' }, /it contains no key/],
    ['no such file', { LLM_BARBER_PAYLOAD_KEY_FILE: path.join(folder, 'none') }, /LLM_BARBER_PAYLOAD_KEY_FILE=.*none: the file cannot be read \(ENOENT\)/],
    ['a key in place of its file', { LLM_BARBER_PAYLOAD_KEY_FILE: `a:${secret}` }, /^LLM_BARBER_PAYLOAD_KEY_FILE: the file cannot be read/],
  ])('are refused without showing a key: %s', (_, environment, message) => {
    const read = () => payloadKeysFromEnvironment(environment);
    expect(read).toThrow(PayloadKeyError);
    expect(read).toThrow(message);
    expect(read).not.toThrow(secret);
  });
});
