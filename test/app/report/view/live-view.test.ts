import { describe, expect, it } from 'vitest';
import { liveView, type LiveInput } from '../../../../app/report/view/live-view.js';
import type { PipelineProgress, PartialResults, StageProgress } from '../../../../workflows/protocol.js';
import { exampleResult } from '../example-result.js';

const stage = (change: Partial<StageProgress>): StageProgress => ({ type: 'rebuild', state: 'waiting', done: 0, total: 0, detail: '', seconds: 0, reused: 0, ...change });
const progress = (...stages: StageProgress[]): PipelineProgress => ({ name: 'p', configDigest: '', stages });
const running = (change: Partial<LiveInput> = {}): LiveInput => ({ name: 'p', status: 'running', served: true, ...change });
const entry = (layer: number, block: 'attention' | 'mlp', errorBefore: number, errorAfter: number): PartialResults['rebuild'][number] => ({ layer, block, errorBefore, errorAfter, grown: 1, pruned: 1 });
const soFar = (layers: number, ...rebuild: PartialResults['rebuild']): PartialResults => ({
  about: { model: { ...exampleResult.model, layers }, engine: exampleResult.engine, pattern: 'unstructured', sparsity: 0.5 }, perplexity: {}, zeroShot: {}, rebuild,
});

describe('a run in progress', () => {
  it('has a place on its charts for every layer from the start', () => {
    const { errors, errorRatio } = liveView(running({ partialResults: soFar(3, entry(0, 'attention', 4, 2), entry(0, 'mlp', 8, 1), entry(1, 'attention', 1, 1)) }));
    expect(errors).toEqual([
      { block: 'attention', layers: [0, 1, 2], before: [4, 1, NaN], after: [2, 1, NaN] },
      { block: 'mlp', layers: [0, 1, 2], before: [8, NaN, NaN], after: [1, NaN, NaN] },
    ]);
    // (1/2 * 1/8 * 1) ^ (1/3)
    expect(errorRatio).toBeCloseTo(0.39685, 5);
  });

  it('adds up the errors of the experts of a layer', () => {
    const experts = [0, 1, 2].map((expert) => ({ ...entry(0, 'mlp', 4 + expert, 1 + expert), block: 'expert' as const, expert }));
    expect(liveView(running({ partialResults: soFar(1, ...experts) }))).toMatchObject({ errors: [{ block: 'expert', before: [15], after: [6] }], errorRatio: 0.4 });
  });

  it('leaves an error of zero out of the mean', () => {
    expect(liveView(running({ partialResults: soFar(2, entry(0, 'mlp', 4, 0), entry(1, 'mlp', 4, 1)) })).errorRatio).toBe(0.25);
    expect(liveView(running({ partialResults: soFar(1, entry(0, 'mlp', 0, 0)) })).errorRatio).toBeUndefined();
  });

  it('shows what it knows from an older worker, which knows only the last layers', () => {
    const { errors, planned } = liveView(running({ progress: progress(stage({ state: 'running', latest: [entry(4, 'mlp', 2, 1)] })) }));
    expect(errors).toMatchObject([{ block: 'mlp', layers: [0, 1, 2, 3, 4], after: [NaN, NaN, NaN, NaN, 1] }]);
    expect(planned).toBeUndefined();
  });

  it.each([
    ['running', running(), 'live'],
    ['waiting for a worker', running({ served: false }), 'plain'],
    ['pausing', running({ progress: { ...progress(), pause: 'asked' } }), 'plain'],
    ['paused', running({ progress: { ...progress(), pause: 'reached' } }), 'plain'],
    ['paused', running({ status: 'paused', served: false }), 'plain'],
    ['failed', running({ status: 'failed' }), 'bad'],
    ['cancelled', running({ status: 'cancelled' }), 'plain'],
    ['done', running({ status: 'completed', result: exampleResult }), 'good'],
  ] as const)('is %s', (word, input, kind) => {
    const { state, isOpen } = liveView(input);
    expect(state).toEqual({ word, kind });
    expect(isOpen).toBe(['running', 'paused'].includes(input.status));
  });

  it('shows its cost so far and at the end from the price of an hour', () => {
    const stages = progress(stage({ state: 'running', done: 1, total: 4, seconds: 900, secondsLeft: 2700 }));
    const pipeline = { cost: { perHour: 4, currency: 'EUR' } } as LiveInput['pipeline'];
    expect(liveView(running({ progress: stages, ...(pipeline && { pipeline }) })).price).toEqual({ soFar: '1.00 EUR', atEnd: '4.00 EUR' });
    expect(liveView(running({ progress: stages })).price).toBeUndefined();
  });
});

it('shows the result of a finished run even if it was not watched before', () => {
  const { stages, spent, perplexity, errors } = liveView(running({ status: 'completed', served: false, result: exampleResult }));
  expect(stages.every(({ share }) => share === 1)).toBe(true);
  expect(spent).toBeCloseTo(exampleResult.seconds.total, 9);
  expect(perplexity?.value).toBe(Object.values(exampleResult.perplexity.rebuilt ?? {})[0]);
  expect(errors.flatMap(({ after }) => after.filter((value) => !Number.isNaN(value)))).toHaveLength(exampleResult.rebuild.layers.length);
});
