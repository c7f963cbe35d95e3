import type { Segments } from './source-locations.js';
import { stageTypes } from './schema.js';

export type Settings = Record<string, unknown>;

/** One stage, as far as it can be read. The schema reports what else is wrong with it. */
export interface ReadStage {
  type: string;
  settings: Settings;
  path: Segments;
}

export const isMapping = (value: unknown): value is Settings => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @returns undefined if a stage has no readable name, because then the order cannot be checked */
export function readStages(stages: unknown): ReadStage[] | undefined {
  if (!Array.isArray(stages)) return undefined;
  const read = stages.flatMap((stage, position) => {
    const [type, ...more] = isMapping(stage) ? Object.keys(stage) : [];
    if (type === undefined || more.length > 0 || !stageTypes.includes(type)) return [];
    const settings = (stage as Settings)[type];
    return [{ type, settings: isMapping(settings) ? settings : {}, path: ['stages', position, type] }];
  });
  return read.length === stages.length ? read : undefined;
}

/** The method of an allocation; undefined if there is none or it is uniform. */
export function allocationOf(settings: Settings): string | undefined {
  const allocation = settings['allocation'];
  const method = isMapping(allocation) ? allocation['method'] : undefined;
  return typeof method === 'string' && method !== 'uniform' ? method : undefined;
}
