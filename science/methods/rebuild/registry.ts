/** All strategies of a rebuild. A new one is a folder here and a line below. */
import type { AllValues } from '../settings.js';
import { best } from './best/method.js';
import { guarded } from './guarded/method.js';
import type { RebuildMethod } from './method.js';
import { published } from './published/method.js';
import { swaps } from './swaps/method.js';

export const rebuildMethods = { published, guarded, swaps, best } satisfies Record<string, RebuildMethod>;

export type RebuildStrategy = keyof typeof rebuildMethods;

/** The settings of all strategies. A stage uses only those of its own strategy. */
export type StrategySettings = AllValues<typeof rebuildMethods>;

/** Returns a strategy as the common type. */
export function rebuildMethodOf(strategy: RebuildStrategy): RebuildMethod {
  return rebuildMethods[strategy];
}
