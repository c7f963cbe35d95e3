/** Runs side by side: every run and layer is there, differences match the numbers, and nothing is NaN. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settingsOf } from '../../../../app/report/view/compare-settings.js';
import { differenceText, isBetter } from '../../../../app/report/view/compare-text.js';
import { compareView, type ComparedRun } from '../../../../app/report/view/compare-view.js';
import type { PipelineResult } from '../../../../workflows/protocol.js';
import { exampleCompared } from '../example-compared.js';
import { exampleResult } from '../example-result.js';

const number = fc.oneof({ weight: 6, arbitrary: fc.double({ min: 1e-6, max: 1e6, noNaN: true }) }, fc.constant(0), fc.constant(null as unknown as number));
const run = fc.record({
  dataset: fc.constantFrom('a', 'b'), dense: fc.option(number, { nil: undefined }), rebuilt: number, seconds: number,
  errors: fc.array(number, { maxLength: 6 }), first: fc.nat(3),
}).map(({ dataset, dense, rebuilt, seconds, errors, first }): PipelineResult => ({
  ...exampleResult, perplexity: { ...(dense !== undefined && { dense: { [dataset]: dense } }), rebuilt: { [dataset]: rebuilt } }, seconds: { ...exampleResult.seconds, total: seconds },
  rebuild: { grown: errors.length, pruned: errors.length, layers: errors.map((errorAfter, index) => ({ layer: first + index, block: index % 2 === 0 ? 'attention' : 'mlp', errorBefore: 1, errorAfter: errorAfter ?? 0, grown: 1, pruned: 1 })) },
}));
const compared = fc.array(run, { minLength: 2, maxLength: 4 }).map((results): ComparedRun[] => results.map((result, index) => ({ label: String.fromCharCode(65 + index), id: `r-${index}`, result })));

const numbersOf = (value: unknown): number[] =>
  typeof value === 'number' ? [value] : typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersOf) : [];

describe('view of a comparison', () => {
  it('has a value for every run, differences from the first run to it, every layer, and finite numbers', () => {
    fc.assert(fc.property(compared, (runs) => {
      const view = compareView(runs);
      expect(view.runs.map(({ id }) => id)).toEqual(runs.map(({ id }) => id));
      for (const { values, differences } of view.numbers) {
        expect([values.length, differences.length]).toEqual([runs.length, runs.length]);
        for (const [index, difference] of differences.entries()) {
          if (difference !== undefined) expect((values[0] ?? NaN) + difference).toBeCloseTo(values[index] ?? NaN, 6);
          else expect(index === 0 || values[0] === undefined || values[index] === undefined).toBe(true);
        }
      }
      const total = view.numbers.find(({ name }) => name === 'time, all stages')?.values ?? runs.map(() => undefined);
      expect(total.map((value) => value ?? 0)).toEqual(runs.map(({ result }) => result.seconds.total ?? 0));
      for (const [index, { result }] of runs.entries()) {
        const shown = view.errors.flatMap(({ block, layers, left }) => layers.flatMap((layer, row) => (left[index][row] === undefined ? [] : [`${layer} ${block} ${left[index][row]}`])));
        expect(shown.sort()).toEqual(result.rebuild.layers.map(({ layer, block, errorAfter }) => `${layer} ${block} ${errorAfter}`).sort());
      }
      expect(numbersOf(view).filter((value) => !Number.isFinite(value))).toEqual([]);
    }), { numRuns: 100 });
  });

  it('matches what a person reads from the example', () => {
    const { numbers, settings, masks } = compareView(exampleCompared);
    const of = (name: string) => {
      const found = numbers.find((one) => one.name === name);
      return found && [differenceText(found, 1), isBetter(found, 1)];
    };
    expect(of('rebuilt perplexity on held|out.txt')).toEqual(['-1 (-16 %)', true]);
    expect(of('rebuilt perplexity on ptb')).toEqual(['same', undefined]);
    // 1 - ln(6.32 / 2.82) / ln(9.41 / 2.82) is 33.03 %, and with 5.32 it is 47.33 %.
    expect(of('gap closed on held|out.txt')).toEqual(['+14.3 pt', true]);
    expect(of('time, all stages')).toEqual(['+1 min 16 s (+94 %)', false]);
    expect(of('weights grown')).toEqual(['-12,000 (-97 %)', undefined]);
    // The files have the same content, so they do not count as a difference.
    expect(settings).toEqual([{ path: 'rebuild.ratio', values: ['0.1', '0.2'] }]);
    // 40 of 60, 50 of 52, and all; in total 140 of 162.
    expect(masks).toEqual([{ label: 'B', kinds: ['q_proj', 'up_proj'], layers: ['0', '1'], cells: [[50 / 52, 40 / 60], [1, undefined]], total: { jaccard: 140 / 162, grown: 12, pruned: 10 } }]);
  });

  it('names the runs whose settings and masks are unknown', () => {
    const [a, b] = exampleCompared;
    const view = compareView([a, { ...b, settings: undefined, mask: 'the run pruned nothing' }]);
    expect([view.unknown, view.settings, view.masks, view.notMasks]).toEqual([['B'], [], [], [{ label: 'B', why: 'the run pruned nothing' }]]);
  });

  it('distinguishes stages with the same name, and settings that only one run has', () => {
    const lock = (stages: unknown[]) => settingsOf({ pipeline: { stages }, model: { digest: 'm' }, files: {}, engine: { backend: 'wasm', version: '1', device: 'cpu', threads: 1 }, sequencesPerBatch: 1 });
    const [a, b] = exampleCompared;
    const { settings } = compareView([{ ...a, settings: lock([{ rebuild: { ratio: 0.1 } }, { rebuild: { ratio: 0.2 } }]) }, { ...b, settings: lock([{ rebuild: { ratio: 0.1, weights: 'refit' } }, { rebuild: { ratio: 0.3 } }]) }]);
    expect(settings).toEqual([{ path: 'rebuild 2.ratio', values: ['0.2', '0.3'] }, { path: 'rebuild.weights', values: [undefined, 'refit'] }]);
  });
});
