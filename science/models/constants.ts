import { tf } from '../engine/index.js';
import type { Tensor } from '../engine/index.js';

/**
 * Tables that depend only on shapes (rotary angles, causal masks) and are read by every layer. They are made once and kept until
 * {@link disposeConstants}. There are few, because a run uses one or two sequence lengths.
 */
const tables = new Map<string, Tensor>();

/** Returns the table of a key. Calls `make` if it does not exist yet. The cache owns the table: never dispose it. */
export function constant<T extends Tensor>(key: string, make: () => T): T {
  const found = tables.get(key);
  if (found !== undefined) return found as T;
  const made = tf.keep(make());
  tables.set(key, made);
  return made;
}

/** Frees every table. The next forward makes new ones. */
export function disposeConstants(): void {
  for (const table of tables.values()) table.dispose();
  tables.clear();
}

/** Number of tensors in the cache, to distinguish leaks from tables. */
export function heldConstants(): number {
  return tables.size;
}
