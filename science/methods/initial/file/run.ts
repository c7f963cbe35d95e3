import { linearsOf } from '../../../models/index.js';
import { valuesOf } from '../each-linear.js';
import type { InitialRun } from '../method.js';
import type { settings } from './method.js';

/** Takes masks from the source. If the source is a checkpoint, also takes the values of linears whose kept weights differ from the model's. */
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
