import type { Windows } from '../../science/cost/index.js';

/** Hidden states that go through the layers. */
export interface HiddenPass {
  windows: Windows;
  /** Number of layers after which a later layer or stage needs them. */
  layers: number;
  /** Number of paths that run side by side. */
  paths: number;
  /** How often the stage makes this pass. */
  times: number;
}

/** Hidden states that are stored on the way, so that they need not be recomputed. */
export interface HiddenWrites {
  count: number;
  bytes: number;
  /** Seconds of writing, which runs alongside the work. */
  seconds: number;
  /** Bytes of tensors that wait to be written. */
  held: number;
  /** Peak of bytes on disk: the last states, and the next ones until they are complete. */
  peak: number;
}

/** Predicted size and speed of a pass. */
export interface PassSpeeds {
  /** Bytes of its hidden states. */
  bytes: number;
  /** Seconds for the forward of one layer. */
  forward: number;
  /** Bytes written per second. */
  write: number;
}

/** Predicts what the rule in activities/hidden-states.ts will write. @param maxLoss seconds of forwards that a crash may cost */
export function hiddenWrites({ layers, paths, times }: HiddenPass, { bytes, forward, write }: PassSpeeds, maxLoss: number): HiddenWrites {
  const loss = maxLoss / paths;
  const onWay = layers * forward <= loss ? 0 : Math.floor(layers / Math.max(1, Math.floor(loss / forward)));
  const count = onWay * paths * times;
  return { count, bytes: count * bytes, seconds: (count * bytes) / write, held: Math.min(1, onWay) * bytes, peak: paths * Math.min(2, onWay) * bytes };
}

/** Adds up several passes that run one after the other. */
export function addWrites(all: readonly HiddenWrites[]): HiddenWrites {
  const sum = (amount: (writes: HiddenWrites) => number): number => all.reduce((total, writes) => total + amount(writes), 0);
  const most = (amount: (writes: HiddenWrites) => number): number => Math.max(0, ...all.map(amount));
  return { count: sum(({ count }) => count), bytes: sum(({ bytes }) => bytes), seconds: sum(({ seconds }) => seconds), held: most(({ held }) => held), peak: most(({ peak }) => peak) };
}
