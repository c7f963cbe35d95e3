/** All methods for the initial mask. A new one is a folder here, a line below, and a line in the proof's table (activities/prove.ts). */
import type { AllValues } from '../settings.js';
import { admm } from './admm/method.js';
import { file } from './file/method.js';
import { magnitude } from './magnitude/method.js';
import type { InitialMethod } from './method.js';
import { sparsegpt } from './sparsegpt/method.js';
import { wanda } from './wanda/method.js';

export const initialMethods = { magnitude, wanda, sparsegpt, admm, file } satisfies Record<string, InitialMethod>;

export type InitialMethodName = keyof typeof initialMethods;

/** The settings of all methods. A stage uses only those of its own method. */
export type InitialSettings = AllValues<typeof initialMethods>;

/** Returns a method as the common type. */
export function initialMethodOf(name: InitialMethodName): InitialMethod {
  return initialMethods[name];
}

export const isInitialMethod = (name: unknown): name is InitialMethodName => typeof name === 'string' && Object.hasOwn(initialMethods, name);
