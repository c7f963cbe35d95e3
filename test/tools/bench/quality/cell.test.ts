import { describe, expect, it } from 'vitest';
import { denseKeyOf, keyOf, type Cell } from '../../../../tools/bench/quality/cell.js';
import { recipeOf } from '../../../../tools/bench/quality/recipe.js';

const cell: Cell = {
  model: 'm', pattern: '50', method: 'refit', recipe: recipeOf('refit'), code: 'abc',
  calibration: { text: 't', samples: 16, length: 8, sampling: 'random', seed: 0 },
  evaluations: [{ name: 'held-out', text: 't', skip: 10, windows: 4, length: 8 }],
};

describe('key of a cell', () => {
  it('changes with every setting', () => {
    const others: Partial<Cell>[] = [
      { model: 'n' }, { pattern: '2:4' }, { code: 'abd' }, { questions: { tasks: ['rte'], documents: 5 } }, { recipe: recipeOf('guarded') },
      { recipe: recipeOf('sparsegpt+refit') }, { recipe: recipeOf('refit:rounds=3') }, { recipe: recipeOf('refit:granularity=output') },
      ...[{ text: 'u' }, { samples: 17 }, { length: 9 }, { sampling: 'sequential' as const }, { seed: 1 }].map((one) => ({ calibration: { ...cell.calibration, ...one } })),
      ...[{ name: 'x' }, { text: 'u' }, { skip: 11 }, { windows: 5 }, { length: 9 }].map((one) => ({ evaluations: [{ ...cell.evaluations[0], ...one }] })),
    ];
    const keys = [cell, ...others.map((other) => ({ ...cell, ...other }))].map(keyOf);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('is the same for all names of a method and all orders of its settings', () => {
    const long = 'wanda+guarded:rounds=8:weights=refit';
    const calibration = { seed: 0, sampling: 'random' as const, length: 8, samples: 16, text: 't' };
    expect(keyOf({ ...cell, method: long, recipe: recipeOf(long), calibration })).toBe(keyOf(cell));
  });

  it('for the dense model depends only on the evaluations', () => {
    expect(denseKeyOf({ ...cell, evaluations: [...cell.evaluations] })).toBe(denseKeyOf(cell));
    expect(denseKeyOf({ ...cell, evaluations: [] })).not.toBe(denseKeyOf(cell));
    expect(denseKeyOf(cell)).toBe(denseKeyOf({ model: 'm', evaluations: cell.evaluations }));
  });
});
