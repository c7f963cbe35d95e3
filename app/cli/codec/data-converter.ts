import type { DataConverter } from '@temporalio/common';
import { CompressionCodec } from './compression-codec.js';
import { EncryptionCodec } from './encryption-codec.js';
import { payloadKeysFromEnvironment } from './payload-keys.js';

/**
 * How values become payloads, for clients and workers alike: compressed if they are large, then encrypted if the environment has
 * keys. The codec for that is there without keys, too, because only it can name the missing key of an encrypted payload.
 * @param onLocked gets each reason once why payloads cannot be read: such payloads wait in the worker's queue without a message
 * @throws PayloadKeyError
 */
export function dataConverter(onLocked?: (why: string) => void): DataConverter & { encrypts: boolean } {
  const keys = payloadKeysFromEnvironment();
  return { payloadCodecs: [new CompressionCodec(), new EncryptionCodec(keys, onLocked)], encrypts: keys !== undefined };
}
