/**
 * Frees array buffers that nothing uses any more. V8 frees them when it collects garbage, which it does rarely here: its own heap stays
 * small, while a layer's weights pass through hundreds of megabytes of buffers.
 */

/** Bytes of transfers between two collections. A collection takes about 30 ms, less than making that many bytes of buffers. */
const maxBytes = 128 * 2 ** 20;
let since = 0;

/**
 * Call before a buffer is sent to the engine or received from it. Collects garbage if the buffers since the last collection are large. Does
 * nothing unless the process was started with `--expose-gc`.
 */
export function freeDeadBuffers(): void {
  if (since < maxBytes) return;
  since = 0;
  globalThis.gc?.();
}

/** Call after a buffer of that many bytes was sent or received. */
export function countBuffer(bytes: number): void {
  since += bytes;
}
