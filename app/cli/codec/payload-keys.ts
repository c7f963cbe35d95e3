import { createSecretKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { PayloadKeyError } from '../errors.js';

/** The keys for encrypting payloads, by id. */
export interface PayloadKeys {
  /** Id of the key that encrypts new payloads: the first key given. */
  current: string;
  /** All keys, for decryption. */
  byId: ReadonlyMap<string, KeyObject>;
}

const textVariable = 'LLM_BARBER_PAYLOAD_KEY';
const fileVariable = 'LLM_BARBER_PAYLOAD_KEY_FILE';
const keyBytes = 32;
const howTo = `Write \`id:key\`, for example "k1:$(openssl rand -base64 ${keyBytes})"`;

/**
 * Returns the keys in `LLM_BARBER_PAYLOAD_KEY`, or in the file that `LLM_BARBER_PAYLOAD_KEY_FILE` names; undefined if neither is set. Each
 * key is written as `id:key`, on its own line or between commas, where `key` is 32 bytes in base64. Lines that begin with `#` are ignored.
 * No message ever shows a part of a key.
 * @throws PayloadKeyError
 */
export function payloadKeysFromEnvironment(environment: NodeJS.ProcessEnv = process.env): PayloadKeys | undefined {
  const text = environment[textVariable] || undefined;
  const file = environment[fileVariable] || undefined;
  if (text !== undefined && file !== undefined) {
    throw new PayloadKeyError({ where: `${textVariable} and ${fileVariable}`, what: 'both are set', expected: 'one of them', remedy: 'Unset the other' });
  }
  if (text !== undefined) return parseKeys(text, textVariable);
  return file === undefined ? undefined : parseKeys(readKeyFile(file), file);
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
    // Do not show a key that was put into the wrong variable.
    const where = /:[A-Za-z0-9+/]{43}=/.test(file) ? fileVariable : `${fileVariable}=${file}`;
    throw new PayloadKeyError({ where, what: `the file cannot be read (${code})`, expected: 'a file of keys', remedy: `Correct the path, or put the key itself in ${textVariable}` });
  }
}

function parseKeys(text: string, source: string): PayloadKeys {
  const byId = new Map<string, KeyObject>();
  for (const [index, line] of text.split(/[\n,]/).entries()) {
    const entry = line.trim();
    if (entry === '' || entry.startsWith('#')) continue;
    const where = `${source}, entry ${index + 1}`;
    const [, id, encoded = ''] = /^([\w.-]{1,64}):([A-Za-z0-9+/]+={0,2})$/.exec(entry) ?? [];
    if (id === undefined) throw new PayloadKeyError({ where, what: 'this is not a key with an id', expected: 'an id of letters, digits, `.`, `_` and `-`, then a colon, then the key in base64', remedy: howTo });
    const bytes = Buffer.from(encoded, 'base64');
    if (bytes.length !== keyBytes) throw new PayloadKeyError({ where, what: `key ${id} has ${bytes.length} bytes`, expected: `${keyBytes} bytes in base64`, remedy: howTo });
    if (byId.has(id)) throw new PayloadKeyError({ where, what: `the id ${id} appears twice`, expected: 'a different id for each key', remedy: 'Give the new key a new id' });
    byId.set(id, createSecretKey(bytes));
  }
  const [current] = byId.keys();
  if (current === undefined) throw new PayloadKeyError({ where: source, what: 'it contains no key', expected: 'at least one', remedy: howTo });
  return { current, byId };
}
