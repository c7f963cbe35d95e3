import { tf } from '../engine/index.js';
import type { Tensor } from '../engine/index.js';

/**
 * Tables that depend on shapes only (rotary angles, causal masks) and are read by every layer: made once, kept until
 * {@link disposeConstants}. A run uses one or two sequence lengths, so there are few.
 */
const tables = new Map<string, Tensor>();

/** The table of that key, made by `make` where it is not there yet. The cache owns it: never dispose it. */
export function constant<T extends Tensor>(key: string, make: () => T): T {
  const found = tables.get(key);
  if (found !== undefined) return found as T;
  const made = tf.keep(make());
  tables.set(key, made);
  return made;
}

/** Frees every table. The next forward makes its own again. */
export function disposeConstants(): void {
  for (const table of tables.values()) table.dispose();
  tables.clear();
}

/** How many tensors the cache holds, so that a leak can be told from a table. */
export function heldConstants(): number {
  return tables.size;
}
