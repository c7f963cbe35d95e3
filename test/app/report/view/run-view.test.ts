import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runView } from '../../../../app/report/view/run-view.js';
import type { PipelineResult, RebuildEntry } from '../../../../workflows/protocol.js';
import { exampleProof } from '../example-proof.js';
import { exampleResult } from '../example-result.js';

const error = fc.oneof(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.constant(0));
const count = fc.nat(1e9);
const round = fc.record({ ratio: fc.double({ min: 0.01, max: 1, noNaN: true }), errorBefore: error, error, accepted: fc.boolean() });

/** Results with any number of layers, with and without rounds. */
const results = fc.record({
  layers: fc.array(fc.record({ before: error, after: error, grown: count, rounds: fc.array(round, { maxLength: 5 }) }), { maxLength: 12 }),
  seconds: fc.tuple(error, error, error, error),
}).map(({ layers, seconds: [calibration, initialMask, rebuild, evaluation] }): PipelineResult => {
  const entries = layers.flatMap(({ before, after, grown, rounds }, layer) => (['attention', 'mlp'] as const).map((block): RebuildEntry => ({ layer, block, errorBefore: before, errorAfter: after, grown, pruned: grown, rounds })));
  const total = calibration + initialMask + rebuild + evaluation;
  return { ...exampleResult, rebuild: { grown: 0, pruned: 0, layers: entries }, seconds: { calibration, initialMask, rebuild, evaluation, total } };
});

/** All numbers at any depth of a value. */
const numbersOf = (value: unknown): number[] =>
  typeof value === 'number' ? [value] : typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersOf) : [];

describe('view of a run', () => {
  it('has only finite numbers, every sub-block once, and seconds that add up to the total', () => {
    fc.assert(fc.property(results, (result) => {
      const view = runView(result, undefined);
      expect(numbersOf(view).filter((value) => !Number.isFinite(value))).toEqual([]);
      for (const { block, layers, before } of view.errors) {
        expect(layers).toEqual(result.rebuild.layers.filter((entry) => entry.block === block).map(({ layer }) => layer));
        expect(before).toHaveLength(layers.length);
      }
      expect(view.rounds).toHaveLength(result.rebuild.layers.filter(({ rounds }) => rounds?.length).length);
    }), { numRuns: 60 });
  });

  it('has the zeros of every linear in the order of a layer, which add up to those of the proof', () => {
    const { proof } = exampleProof(12);
    const { map, weights } = runView(exampleResult, proof);
    expect(map?.layers).toEqual(Array.from({ length: 12 }, (_, layer) => layer));
    expect(map?.kinds).toEqual(['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']);
    const cells = map?.cells.flat() ?? [];
    expect(cells.reduce((sum, cell) => sum + (cell?.zeros ?? 0), 0)).toBe(proof.zeros);
    expect(weights).toEqual({ kept: proof.weights - proof.zeros, all: proof.weights });
    for (const cell of cells) expect(Math.abs(cell!.sparsity - map!.asked)).toBeLessThanOrEqual(map!.reach);
  });

  it('multiplies the error ratios of rounds, and continues from the start of an undone one', () => {
    const rounds = [{ ratio: 0.4, errorBefore: 2, error: 1, accepted: true }, { ratio: 0.2, errorBefore: 3, error: 6, accepted: false }, { ratio: 0.1, errorBefore: 4, error: 3, accepted: true }];
    const layers = [{ layer: 0, block: 'mlp' as const, errorBefore: 2, errorAfter: 1, grown: 1, pruned: 1, rounds }];
    const [{ points }] = runView({ ...exampleResult, rebuild: { grown: 1, pruned: 1, layers } }, undefined).rounds;
    expect(points).toEqual([{ share: 1, accepted: true }, { share: 0.5, accepted: true }, { share: 1, accepted: false }, { share: 0.375, accepted: true }]);
  });
});
