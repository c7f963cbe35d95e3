import { rebuildMethods, type RebuildStrategy } from '../../science/methods/rebuild/registry.js';

export const isStrategy = (name: unknown): name is RebuildStrategy => typeof name === 'string' && Object.hasOwn(rebuildMethods, name);

/** The strategy of a rebuild stage: the given one; otherwise `published` if there is a fixed ratio, else `guarded`. */
export function strategyOf(settings: { strategy?: unknown; ratio?: unknown }): RebuildStrategy {
  if (isStrategy(settings.strategy)) return settings.strategy;
  return settings.ratio === undefined ? 'guarded' : 'published';
}
