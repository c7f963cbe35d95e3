import type { Windows } from '../../science/cost/index.js';

/** Hidden states on their way through the layers. */
export interface HiddenPass {
  windows: Windows;
  /** Layers after which a later layer or stage needs them. */
  layers: number;
  /** How many paths go side by side. */
  paths: number;
  /** How often the stage makes the way. */
  times: number;
}

/** Hidden states that are stored on the way, so that they need not be made again. */
export interface HiddenWrites {
  count: number;
  bytes: number;
  /** Seconds of writing, which continues alongside the work. */
  seconds: number;
  /** Bytes of tensors that wait to be written. */
  held: number;
  /** Bytes that lie on disk at a time: the last states, and the next ones until they are whole. */
  peak: number;
}

/** What a pass is predicted to take. */
export interface PassSpeeds {
  /** Bytes of its hidden states. */
  bytes: number;
  /** Seconds of a layer's forward. */
  forward: number;
  /** Bytes a second that are written. */
  write: number;
}

/** What the rule of activities/hidden-states.ts comes to. @param maxLoss seconds of forwards that a crash may cost */
export function hiddenWrites({ layers, paths, times }: HiddenPass, { bytes, forward, write }: PassSpeeds, maxLoss: number): HiddenWrites {
  const loss = maxLoss / paths;
  const onWay = layers * forward <= loss ? 0 : Math.floor(layers / Math.max(1, Math.floor(loss / forward)));
  const count = onWay * paths * times;
  return { count, bytes: count * bytes, seconds: (count * bytes) / write, held: Math.min(1, onWay) * bytes, peak: paths * Math.min(2, onWay) * bytes };
}

/** Of several passes, one after the other. */
export function addWrites(all: readonly HiddenWrites[]): HiddenWrites {
  const sum = (amount: (writes: HiddenWrites) => number): number => all.reduce((total, writes) => total + amount(writes), 0);
  const most = (amount: (writes: HiddenWrites) => number): number => Math.max(0, ...all.map(amount));
  return { count: sum(({ count }) => count), bytes: sum(({ bytes }) => bytes), seconds: sum(({ seconds }) => seconds), held: most(({ held }) => held), peak: most(({ peak }) => peak) };
}
