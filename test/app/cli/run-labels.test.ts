import { describe, expect, it } from 'vitest';
import { stageIndex } from '../../../app/cli/control/retry.js';
import { CommandLineError } from '../../../app/cli/errors.js';
import { labelFilter, labelsOf } from '../../../app/cli/run-labels.js';
import { demoPipeline } from '../../helpers/demo-run.js';

describe('labels of a run', () => {
  it('are the short name of the model, what is pruned, and how', () => {
    expect(labelsOf(demoPipeline())).toEqual({ model: 'model', sparsity: 0.5, pattern: 'unstructured', methods: ['wanda', 'published'] });
    const nm = demoPipeline(['initialMask.pattern=4:8', 'initialMask.sparsity=0.5', 'rebuild.granularity=output']);
    expect(labelsOf(nm)).toMatchObject({ sparsity: 0.5, pattern: '4:8', methods: ['wanda', 'published'] });
    const { stages } = demoPipeline();
    expect(labelsOf({ model: { source: 'meta-llama/Llama-2-13b-hf' }, stages: [] })).toEqual({ model: 'meta-llama/Llama-2-13b-hf', methods: [] });
    expect(labelsOf({ model: { source: '/models/tiny' }, stages: [...stages, ...stages] })).toMatchObject({ model: 'tiny', methods: ['wanda', 'published'] });
  });

  it('must all match a filter, and a run without labels matches no filter', () => {
    const labels = { model: 'tiny', sparsity: 1 - 1 / 3, pattern: '1:3', methods: ['wanda', 'guarded'] };
    expect(labelFilter({})({})).toBe(true);
    expect(labelFilter({ model: 'tiny', sparsity: '0.6666667', pattern: '1:3', method: 'guarded' })(labels)).toBe(true);
    for (const asked of [{ model: 'Tiny' }, { sparsity: '0.5' }, { pattern: '2:4' }, { method: 'owl' }]) {
      expect(labelFilter(asked)(labels)).toBe(false);
      expect(labelFilter(asked)({})).toBe(false);
    }
    for (const sparsity of ['', 'half', '1', '-0.5', '50 %']) expect(() => labelFilter({ sparsity })).toThrow(CommandLineError);
  });
});

describe('the first stage of a retry', () => {
  const stages = (['calibration', 'initialMask', 'rebuild', 'evaluation', 'rebuild'] as const).map((type) => ({ type }));
  it.each([
    ['calibration', 0],
    ['rebuild', 2],
    ['5', 4],
  ])('is found: %s', (word, index) => expect(stageIndex(word, stages)).toBe(index));
  it.each(['0', '6', 'rebuilt', '', '-1', '1.5'])('is refused with a list of the stages: "%s"', (word) => {
    expect(() => stageIndex(word, stages)).toThrow('1 calibration, 2 initialMask, 3 rebuild, 4 evaluation, 5 rebuild');
  });
});
