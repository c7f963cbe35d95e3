import { expect, it } from 'vitest';
import { parsePipeline } from '../../../app/config/index.js';
import { sumProblems } from '../../../app/planning/index.js';
import { modelSize } from '../../../science/cost/index.js';
import { modelFromConfig } from '../../../science/models/index.js';
import { llama7bConfig } from './llama7b.js';

const pipelineOf = (method: string, shards: number) => parsePipeline({
  text: `version: 1\nname: large\nmodel: { source: /model }\nstages:\n  - calibration: { dataset: { file: /c.txt }, samples: 8, shards: ${shards} }\n  - initialMask: { method: ${method}, sparsity: 0.5 }\n`,
  path: '/large.yaml', overrides: [],
}).pipeline;
/** Llama-2-70B has 28,672. */
const problems = (width: number, method = 'sparsegpt', shards = 2) =>
  sumProblems(pipelineOf(method, shards), modelSize(modelFromConfig({ ...llama7bConfig, intermediate_size: width }, 'config.json'), { bytesPerWeight: 2 }));

it('refuses sums of products that no array of Node.js 20 holds', () => {
  expect(problems(28_672)).toEqual([{
    where: 'calibration.shards',
    what: 'sparsegpt sums up 6.1 GiB for the widest linear of /model, whose input has 28672 values',
    expected: 'at most 4 GiB, which is what one array may have',
    remedy: 'Remove `shards`, or write `method: wanda`',
  }]);
  // 8 * 23,170^2 bytes are a little less than 4 GiB.
  expect([problems(23_170), problems(23_171)].map(({ length }) => length)).toEqual([0, 1]);
});

it('allows them for other methods, and without shards', () => {
  expect(problems(28_672, 'wanda')).toEqual([]);
  expect(problems(28_672, 'sparsegpt', 1)).toEqual([]);
});

it('refuses a refit whose sums are too large, but not rounds', () => {
  const of = (weights: string) => {
    const { pipeline } = parsePipeline({
      text: `version: 1\nname: large\nmodel: { source: /model }\nstages:\n  - calibration: { dataset: { file: /c.txt }, samples: 8, shards: 2 }\n  - initialMask: { method: wanda, sparsity: 0.5 }\n  - rebuild: { weights: ${weights} }\n`,
      path: '/large.yaml', overrides: [],
    });
    return sumProblems(pipeline, modelSize(modelFromConfig({ ...llama7bConfig, intermediate_size: 28_672 }, 'config.json'), { bytesPerWeight: 2 }));
  };
  expect(of('refit')).toMatchObject([{ what: expect.stringContaining('guarded with refit sums up 6.1 GiB') as string, remedy: 'Remove `shards`, or write `weights: keep-updates`' }]);
  expect(of('keep-updates')).toEqual([]);
});
