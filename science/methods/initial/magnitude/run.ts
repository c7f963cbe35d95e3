import { eachLinear } from '../each-linear.js';
import type { InitialRun } from '../method.js';
import { magnitudeMask } from './magnitude-mask.js';

/** Magnitude pruning: the oldest baseline. */
export const run: InitialRun = async ({ layer, weights, targetOf }) => ({
  masks: await eachLinear(layer, weights, (linear, values) => magnitudeMask(values, linear.shape, targetOf(linear), linear.name)),
});
