import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { progressView } from '../../../../app/report/view/progress-view.js';
import type { StageProgress } from '../../../../workflows/protocol.js';

const stage = (change: Partial<StageProgress>): StageProgress => ({ type: 'rebuild', state: 'waiting', done: 0, total: 0, detail: '', seconds: 0, reused: 0, ...change });

describe('the progress of a run', () => {
  it('comes from its plan before it begins', () => {
    expect(progressView({ stages: [stage({ planned: 2 }), stage({ planned: 6 })] })).toEqual({ spent: 0, left: 8, share: 0, planned: 8 });
  });

  it('follows the units of the running stage and the speed of finished ones', () => {
    const stages = [
      stage({ state: 'done', done: 1, total: 1, planned: 2, seconds: 4, secondsLeft: 0 }),
      stage({ state: 'running', done: 1, total: 4, planned: 10, seconds: 5, secondsLeft: 15 }),
      // Planned for 3 seconds, but so far everything took twice as long as planned.
      stage({ planned: 3 }),
    ];
    expect(progressView({ stages })).toEqual({ spent: 9, left: 15 + 6, share: 9 / 30, planned: 15 });
  });

  it('learns no speed from reused work', () => {
    const stages = [stage({ state: 'done', done: 1, total: 1, planned: 2, seconds: 200, reused: 1 }), stage({ planned: 3 })];
    expect(progressView({ stages }).left).toBe(3);
  });

  it('is unknown if a stage has neither a plan nor units', () => {
    expect(progressView({ stages: [stage({ state: 'running', seconds: 1 }), stage({})] })).toEqual({ spent: 1 });
    expect(progressView({ stages: [] })).toEqual({ spent: 0 });
  });

  it('is complete when all stages are done, planned or not', () => {
    expect(progressView({ stages: [stage({ state: 'done', seconds: 3 }), stage({ state: 'done' })] })).toEqual({ spent: 3, left: 0, share: 1 });
  });

  it('has only finite numbers', () => {
    const amount = fc.double({ min: 0, max: 1e7, noNaN: true });
    const anyStage = fc.record({ state: fc.constantFrom('waiting' as const, 'running' as const, 'done' as const), done: fc.nat(9), total: fc.nat(9), seconds: amount, reused: fc.nat(9) }, { requiredKeys: [] });
    const withTimes = fc.tuple(anyStage, fc.option(amount, { nil: undefined }), fc.option(amount, { nil: undefined }));
    fc.assert(fc.property(fc.array(withTimes), (all) => {
      const { share = 0, left = 0, spent } = progressView({ stages: all.map(([one, planned, secondsLeft]) => stage({ ...one, ...(planned !== undefined && { planned }), ...(secondsLeft !== undefined && { secondsLeft }) })) });
      return share >= 0 && share <= 1 && left >= 0 && Number.isFinite(spent + left);
    }));
  });
});
