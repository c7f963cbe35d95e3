import { expect, it } from 'vitest';
import { describeFewTokens, fewTokens } from '../../../app/planning/index.js';
import { llama7b } from './llama7b.js';
import { pipelineOf } from './pipelines.js';

const { size } = llama7b();
const withWindows = (samples: number, method: string, rebuild: string) =>
  pipelineOf([`calibration.samples=${samples}`, `stages.1={ initialMask: { method: ${method}, sparsity: 0.5 } }`, `stages.2={ rebuild: ${rebuild} }`]);

it('warns about fits with fewer than 16 tokens per input of the widest linear, and says how many windows are enough', () => {
  const pipeline = withWindows(16, 'sparsegpt', '{ strategy: best }');
  // down_proj of LLaMA-7B has 11,008 inputs; 86 windows have 176,128 tokens.
  expect(fewTokens(pipeline, size)).toEqual([
    { stage: 1, what: 'initialMask (sparsegpt)', tokens: 32_768, inputs: 11_008, samples: 86 },
    { stage: 2, what: 'rebuild (best)', tokens: 32_768, inputs: 11_008, samples: 86 },
  ]);
  expect(describeFewTokens(fewTokens(pipeline, size)[1])).toBe(
    'rebuild (best) fits linears of 11008 inputs to 32768 tokens, 3.0 per input; expected at least 16, so that the fit also works on other text. Set calibration.samples to 86 or more.',
  );
  expect(fewTokens(withWindows(86, 'sparsegpt', '{ strategy: best }'), size)).toEqual([]);
});

it('gives no warning if only masks are made', () => {
  expect(fewTokens(withWindows(1, 'wanda', '{ strategy: guarded, weights: keep-updates }'), size)).toEqual([]);
});
