import { describe, expect, it } from 'vitest';
import { initialMethods, rebuildMethods } from '../../../../science/methods/index.js';
import { defaultMethods, recipeOf, shortNames } from '../../../../tools/bench/quality/recipe.js';

const common = { granularity: 'block', metric: 'weight-gradient' };

describe('recipe of a name', () => {
  it('accepts every registered method', () => {
    for (const name of Object.keys(initialMethods)) expect(recipeOf(name)).toEqual({ initial: { method: name, settings: {} } });
    for (const name of Object.keys(rebuildMethods)) expect(recipeOf(name).rebuild?.strategy).toBe(name);
    for (const name of [...defaultMethods, ...Object.keys(shortNames)]) expect(() => recipeOf(name)).not.toThrow();
  });

  it('uses the defaults of the pipeline', () => {
    expect(recipeOf('published')).toEqual({
      initial: { method: 'wanda', settings: {} }, rebuild: { strategy: 'published', common: { ...common, weights: 'keep-dense' }, settings: { ratio: 0.1 } },
    });
    expect(recipeOf('guarded').rebuild?.common.weights).toBe('keep-updates');
    expect(recipeOf('sparsegpt+guarded').rebuild?.common.weights).toBe('refit');
  });

  it('accepts settings and another start', () => {
    expect(recipeOf('sparsegpt:damping=0.1+published:ratio=0.5:granularity=output:weights=keep-updates')).toEqual({
      initial: { method: 'sparsegpt', settings: { damping: 0.1 } },
      rebuild: { strategy: 'published', common: { ...common, granularity: 'output', weights: 'keep-updates' }, settings: { ratio: 0.5 } },
    });
    expect(recipeOf('magnitude+refit:rounds=2')).toEqual({
      initial: { method: 'magnitude', settings: {} }, rebuild: { strategy: 'guarded', common: { ...common, weights: 'refit' }, settings: { rounds: 2 } },
    });
    expect(recipeOf('refit:rounds=2').rebuild).toEqual(recipeOf('magnitude+refit:rounds=2').rebuild);
  });

  it.each(['', 'nothing', 'wanda+nothing', 'wanda+guarded+guarded', 'wanda:damping=1', 'guarded:rounds', 'published:weights=refit'])('refuses %j', (name) => {
    expect(() => recipeOf(name)).toThrow(/expected/);
  });
});
