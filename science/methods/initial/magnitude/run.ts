import type { InitialRun } from '../method.js';
import { masksOfSmallest } from '../smallest-scores.js';
import { magnitudeMask } from './magnitude-mask.js';

/** Magnitude pruning: the oldest baseline. */
export const run: InitialRun = async ({ layer, weights, targetOf }) => ({
  masks: await masksOfSmallest({ layer, weights, targetOf }, {
    subject: 'weight',
    groups: 'layer',
    onDevice: (_, weight) => weight,
    onHost: (linear, weight) => magnitudeMask(weight, linear.shape, targetOf(linear), linear.name),
  }),
});
