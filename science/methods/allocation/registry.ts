/** Every method of an allocation. A new one is a folder here and a line below. `uniform` is no method: it means none. */
import type { AllValues } from '../settings.js';
import { dlp } from './dlp/method.js';
import type { AllocationMethod } from './method.js';
import { owl } from './owl/method.js';
import { ramp } from './ramp/method.js';
import { sensitivity } from './sensitivity/method.js';

export const allocationMethods = { sensitivity, owl, dlp, ramp } satisfies Record<string, AllocationMethod>;

export type AllocationMethodName = keyof typeof allocationMethods;

/** The settings of all methods; an allocation has those of its own. */
export type AllocationSettings = AllValues<typeof allocationMethods>;

/** What the program knows of a method, whichever it is. */
export function allocationMethodOf(name: AllocationMethodName): AllocationMethod {
  return allocationMethods[name];
}

export const isAllocationMethod = (name: unknown): name is AllocationMethodName => typeof name === 'string' && Object.hasOwn(allocationMethods, name);
