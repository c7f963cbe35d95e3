/** All allocation methods. A new one is a folder here and a line below. `uniform` is not listed: it means no method. */
import type { AllValues } from '../settings.js';
import { dlp } from './dlp/method.js';
import type { AllocationMethod } from './method.js';
import { owl } from './owl/method.js';
import { ramp } from './ramp/method.js';
import { sensitivity } from './sensitivity/method.js';

export const allocationMethods = { sensitivity, owl, dlp, ramp } satisfies Record<string, AllocationMethod>;

export type AllocationMethodName = keyof typeof allocationMethods;

/** The settings of all methods. An allocation uses only those of its own method. */
export type AllocationSettings = AllValues<typeof allocationMethods>;

/** Returns a method as the common type. */
export function allocationMethodOf(name: AllocationMethodName): AllocationMethod {
  return allocationMethods[name];
}

export const isAllocationMethod = (name: unknown): name is AllocationMethodName => typeof name === 'string' && Object.hasOwn(allocationMethods, name);
