import type { Pipeline } from './pipeline.js';
import { schemaAt } from './schema.js';

const defaultMaxLoss = schemaAt(['durability', 'maxLoss']).default as number;

/** Seconds of forwards that a crash may cost a run of the pipeline. */
export function maxLossOf({ durability }: Pick<Pipeline, 'durability'>): number {
  return durability?.maxLoss ?? defaultMaxLoss;
}
