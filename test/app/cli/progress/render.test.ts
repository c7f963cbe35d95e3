import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainLines } from '../../../../app/cli/progress/plain-lines.js';
import { bar, renderProgress } from '../../../../app/cli/progress/render.js';
import type { PipelineProgress, RebuildEntry, StageProgress } from '../../../../workflows/protocol.js';

const stage = (change: Partial<StageProgress>): StageProgress => ({ type: 'rebuild', state: 'waiting', done: 0, total: 0, detail: '', seconds: 0, reused: 0, ...change });
const progress = (...stages: StageProgress[]): PipelineProgress => ({ name: 'p', configDigest: '', stages });
const entry = { layer: 6, block: 'mlp', errorBefore: 0.02, errorAfter: 0.01, grown: 1, pruned: 1 } as const;

describe('progress on a terminal', () => {
  it('shows layer, error before and after, and time left of a running rebuild', () => {
    const running = stage({ state: 'running', done: 7, total: 40, detail: 'layer 7', seconds: 63, secondsLeft: 187, latest: [{ ...entry, layer: 5 }, { ...entry, block: 'attention' }, entry] });
    expect(renderProgress(progress(running), 80)).toEqual([
      `rebuild     ${bar(7 / 40, 19)} 7/40  3:07 min left  layer 7`,
      '  layer 6 attention error 0.02 -> 0.01 (-50 %)',
      '  layer 6 mlp error 0.02 -> 0.01 (-50 %)',
      '25 % of the run done, about 3:07 min left',
    ]);
  });

  it('shows how long a finished stage took, and how much it reused', () => {
    const [whole, part, none] = renderProgress(progress(stage({ state: 'done', done: 4, total: 4, seconds: 12, reused: 4 }), stage({ state: 'done', done: 4, total: 4, seconds: 12, reused: 1 }), stage({})), 100);
    expect(whole).toContain('found, nothing to do');
    expect(part).toContain('done in 12 s, 1 of 4 found');
    expect(none).toBe(`rebuild     ${'░'.repeat(24)}`);
  });

  it('says below the stages that the run is paused, and in a log when the pause begins and ends', () => {
    const running = progress(stage({ state: 'running', done: 1, total: 4 }));
    const asked: PipelineProgress = { ...running, pause: 'asked' };
    const paused: PipelineProgress = { ...running, pause: 'reached' };
    expect(renderProgress(asked, 100).at(-1)).toBe('pausing after the layer in flight');
    expect(renderProgress(paused, 100)).toEqual([...renderProgress(running, 100), expect.stringMatching(/^paused; .*resume/)]);
    expect(plainLines(running, paused)).toEqual([expect.stringMatching(/^paused; .*resume/)]);
    expect(plainLines(paused, paused)).toEqual([]);
    expect(plainLines(paused, running)).toEqual(['resumed']);
  });

  it('shows downloads before the stages, with one line for each file on plain output', () => {
    const at = (preparing: string): PipelineProgress => ({ ...progress(stage({})), preparing });
    const [first, half, second] = [at('downloading a/b: c.bin, 1.00 MB of 9.00 MB'), at('downloading a/b: c.bin, 2.00 MB of 9.00 MB'), at('downloading a/b: d.bin, 0 bytes of 9.00 MB')];
    expect(renderProgress(first, 200)[0]).toBe('downloading a/b: c.bin, 1.00 MB of 9.00 MB');
    expect(plainLines(undefined, first)).toEqual(['downloading a/b: c.bin, 1.00 MB of 9.00 MB']);
    expect(plainLines(first, half)).toEqual([]);
    expect(plainLines(half, second)).toEqual(['downloading a/b: d.bin, 0 bytes of 9.00 MB']);
    expect(plainLines(second, at('reading digests'))).toEqual([]);
  });

  it('draws a bar of the given width, filled by the share', () => {
    expect(bar(0.5, 4)).toBe('██░░');
    expect(bar(0.625, 4)).toBe('██▌░');
    expect(bar(1, 4)).toBe('████');
    expect(bar(1.5, 4)).toBe('████');
    expect(bar(0, 4)).toBe('░░░░');
  });

  it('never writes into the last column, however narrow the terminal is', () => {
    const anyStage = fc.record({
      type: fc.constantFrom('calibration' as const, 'initialMask' as const, 'rebuild' as const, 'evaluation' as const),
      state: fc.constantFrom('waiting' as const, 'running' as const, 'done' as const),
      done: fc.nat(1000),
      total: fc.nat(1000),
      detail: fc.string(),
      seconds: fc.double({ min: 0, max: 1e7, noNaN: true }),
      reused: fc.nat(1000),
      secondsLeft: fc.option(fc.double({ min: 0, max: 1e7, noNaN: true }), { nil: undefined }),
      latest: fc.option(fc.constant<RebuildEntry[]>([entry]), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(anyStage), fc.integer({ min: 2, max: 300 }), (stages, columns) => {
        const lines = renderProgress(progress(...stages), columns);
        expect(lines.length).toBeGreaterThanOrEqual(stages.length);
        for (const line of lines) expect([...line].length).toBeLessThan(columns);
      }),
    );
  });
});
