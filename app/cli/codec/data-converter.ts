import type { DataConverter } from '@temporalio/common';
import { CompressionCodec } from './compression-codec.js';
import { EncryptionCodec } from './encryption-codec.js';
import { payloadKeysFromEnvironment } from './payload-keys.js';

/**
 * Returns the converter from values to payloads, for clients and workers. Large payloads are compressed, then encrypted if the environment
 * has keys. The encryption codec is there without keys too, because only it can name the missing key of an encrypted payload.
 * @param onLocked called once for each reason why payloads cannot be read; such payloads wait in the worker's queue without a message
 * @throws PayloadKeyError
 */
export function dataConverter(onLocked?: (why: string) => void): DataConverter & { encrypts: boolean } {
  const keys = payloadKeysFromEnvironment();
  return { payloadCodecs: [new CompressionCodec(), new EncryptionCodec(keys, onLocked)], encrypts: keys !== undefined };
}
