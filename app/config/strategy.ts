import type { RebuildStage } from './pipeline.js';

/** Settings of a rebuild stage that only one strategy reads. */
export const settingsOf: Record<RebuildStage['strategy'], readonly string[]> = {
  published: ['ratio'],
  guarded: ['rounds', 'tolerance', 'budget'],
};

/** The strategy of a rebuild stage: as stated, else `guarded`, but `published` where a fixed ratio is asked for. */
export function strategyOf(settings: { strategy?: unknown; ratio?: unknown }): RebuildStage['strategy'] {
  if (settings.strategy === 'published' || settings.strategy === 'guarded') return settings.strategy;
  return settings.ratio === undefined ? 'guarded' : 'published';
}
