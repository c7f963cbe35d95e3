import type { Pipeline } from './pipeline.js';
import { schemaAt } from './schema.js';

const defaultMaxLoss = schemaAt(['durability', 'maxLoss']).default as number;

/** Seconds of forwards that a run of the pipeline may lose in a crash. */
export function maxLossOf({ durability }: Pick<Pipeline, 'durability'>): number {
  return durability?.maxLoss ?? defaultMaxLoss;
}
