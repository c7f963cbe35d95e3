import type { DataConverter } from '@temporalio/common';
import { CompressionCodec } from './compression-codec.js';
import { EncryptionCodec } from './encryption-codec.js';
import { payloadKeysFromEnvironment } from './payload-keys.js';

/**
 * How values become payloads, for clients and workers alike: compressed where they are large, then encrypted where the environment has
 * keys. The codec for that is there without keys, too, because only it can say what is missing when somebody else's payloads are encrypted.
 * @param onLocked is told, once each, why payloads cannot be read: what a worker cannot read waits in its queue without a word
 * @throws PayloadKeyError
 */
export function dataConverter(onLocked?: (why: string) => void): DataConverter & { encrypts: boolean } {
  const keys = payloadKeysFromEnvironment();
  return { payloadCodecs: [new CompressionCodec(), new EncryptionCodec(keys, onLocked)], encrypts: keys !== undefined };
}
