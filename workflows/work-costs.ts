import type { WorkCosts } from '../activities/result.js';

/** Adds two costs: sums, and the larger peak. */
export function addCosts(one: WorkCosts | undefined, other: WorkCosts): WorkCosts {
  if (one === undefined) return other;
  const peak = Math.max(one.peakBytes ?? 0, other.peakBytes ?? 0);
  return {
    bytesUp: one.bytesUp + other.bytesUp,
    bytesDown: one.bytesDown + other.bytesDown,
    operations: one.operations + other.operations,
    seconds: {
      products: one.seconds.products + other.seconds.products,
      elementwise: one.seconds.elementwise + other.seconds.elementwise,
      transfers: one.seconds.transfers + other.seconds.transfers,
      javascript: one.seconds.javascript + other.seconds.javascript,
      waiting: one.seconds.waiting + other.seconds.waiting,
    },
    ...(peak > 0 && { peakBytes: peak }),
  };
}
