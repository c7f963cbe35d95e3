import { describe, expect, it } from 'vitest';
import { parse, pipelineText, problemLines } from './helpers.js';
import { looksLikeMixture, mixtureValueProblems } from '../../../app/config/mixtures.js';
import { digestOf } from '../../../files/artifacts/index.js';

const calibration = (settings: string) => `  - calibration: { dataset: { file: text.txt }, samples: 16, sequenceLength: 256, ${settings} }\n`;
const wanda = '  - initialMask: { method: wanda, sparsity: 0.5 }\n';
const published = '  - rebuild: { strategy: published }\n';
const problems = (stages: string): string[] => problemLines(pipelineText(stages));

describe('shards of a calibration', () => {
  it('are part of the resolved pipeline only where there are several', () => {
    const digest = (settings: string): string => digestOf(parse(pipelineText(calibration(settings) + wanda)).pipeline);
    expect(parse(pipelineText(calibration('shards: 4') + wanda + published)).pipeline.stages[0]).toMatchObject({ shards: 4 });
    expect(digest('shards: 1')).toBe(digest('seed: 0'));
    expect(digest('shards: 2')).not.toBe(digest('shards: 4'));
  });

  it('are at most as many as there are windows', () => {
    parse(pipelineText(calibration('shards: 16') + wanda));
    expect(problems(calibration('shards: 17') + wanda)).toEqual([
      '5:91 17 shards of 16 windows; expected at most one shard for each window. Write `shards: 16` or less, or raise `samples`.',
    ]);
    expect(problems(calibration('shards: 0') + wanda)).toEqual([expect.stringContaining('expected a whole number of at least 1')]);
  });

  it.each([
    ['wanda and published', wanda + published],
    ['magnitude, which reads no windows', '  - initialMask: { method: magnitude, sparsity: 0.5 }\n' + published],
    ['a ramp, which scores nothing', '  - initialMask: { method: wanda, sparsity: 0.5, allocation: { method: ramp } }\n'],
    ['N:M', '  - initialMask: { method: wanda, pattern: "2:4" }\n  - rebuild: { strategy: published, granularity: output }\n'],
    ['the default strategy, which is guarded', wanda + '  - rebuild: {}\n'],
    ['guarded with a refit', wanda + '  - rebuild: { strategy: guarded, weights: refit }\n'],
    ['a rebuild of a ratio, which is published', wanda + '  - rebuild: { ratio: 0.2 }\n'],
  ])('go with %s', (_, stages) => {
    expect(parse(pipelineText(calibration('shards: 4') + stages)).warnings).toEqual([]);
  });

  it.each([
    ['method: admm', '  - initialMask: { method: admm, sparsity: 0.5 }\n', 'method `admm` does not work from shards of the calibration; expected `magnitude` or `wanda`'],
    ['allocation by owl', '  - initialMask: { method: wanda, sparsity: 0.5, allocation: { method: owl } }\n', 'allocation by `owl` does not work from shards of the calibration; expected `ramp` or `uniform`. Write `method: ramp`, or remove `shards`.'],
    ['strategy: best', `${wanda}  - rebuild: { strategy: best }\n`, 'strategy `best` does not work from shards of the calibration; expected `published` or `guarded`. Write `strategy: guarded`, or remove `shards`.'],
    ['strategy: swaps', `${wanda}  - rebuild: { strategy: swaps }\n`, 'strategy `swaps` does not work from shards of the calibration; expected `published` or `guarded`'],
  ])('do not go with %s', (_, stages, message) => {
    expect(problems(calibration('shards: 4') + stages)).toEqual([expect.stringContaining(message)]);
  });

  it('hold up to the next calibration', () => {
    parse(pipelineText(calibration('shards: 4') + wanda + calibration('seed: 0') + '  - rebuild: { strategy: best }\n'));
  });

  it('do not go with a mixture of experts', () => {
    const { pipeline } = parse(pipelineText(calibration('shards: 4') + wanda));
    expect(looksLikeMixture('test/golden/mixtures/mixtral/config.json')).toBe(true);
    expect(mixtureValueProblems(pipeline, true)).toEqual([{ pointer: '/stages/0/calibration/shards', part: 'value', message: '4 shards for a mixture of experts; expected 1. Remove `shards`.' }]);
    expect(mixtureValueProblems(pipeline, false)).toEqual([]);
  });
});
