import { linearsOf } from '../../../models/index.js';
import { valuesOf } from '../each-linear.js';
import type { InitialRun } from '../method.js';
import type { settings } from './method.js';

/** A mask made elsewhere, and the values of a checkpoint made elsewhere where its kept weights are not the model's. */
export const run: InitialRun<typeof settings> = async ({ layer, weights, readSource }) => {
  const { masks, values } = await readSource();
  const updates = new Map<string, Float32Array>();
  for (const linear of linearsOf(layer)) {
    const found = values.get(linear.name);
    const mask = masks.get(linear.name);
    if (found === undefined || mask === undefined) continue;
    const dense = await valuesOf(weights, linear);
    if (found.some((value, i) => mask[i] === 1 && value !== dense[i])) updates.set(linear.name, found);
  }
  return { masks: new Map(masks), updates };
};
