import { describe, expect, it } from 'vitest';
import { parseCondition } from '../../app/config/index.js';
import { judgeGates, type Judged } from '../../workflows/gates.js';
import { bestOf, skipReason } from '../../workflows/sweep-metric.js';
import type { SweepRow } from '../../workflows/sweep-protocol.js';

const result: Judged = {
  perplexity: { dense: { t: 4, u: 5 }, initial: { t: 16, u: 4 }, rebuilt: { t: 8, u: 6 } },
  zeroShot: { dense: { piqa: { acc: 0.6, acc_norm: 0.7 }, rte: { acc: 0.7 } }, rebuilt: { piqa: { acc: 0.58, acc_norm: 0.7 }, rte: { acc: 0.6 } } },
  sparsity: { target: 0.5, actual: 0.4999 },
  rebuild: { grown: 10, pruned: 11, layers: [] },
  seconds: { calibration: 1, initialMask: 2, rebuild: 3, evaluation: 4, total: 10 },
};
const judge = (check: string, of: Judged = result) => judgeGates([{ check, ...parseCondition(check) }], of)[0];

describe('gates judged by a result', () => {
  it.each([
    ['rebuilt perplexity of t <= 0.5 * initial', true, 8, 8],
    ['rebuilt perplexity of t < 0.5 * initial', false, 8, 8],
    ['rebuilt perplexity of t <= 1.99 * dense', false, 8, 7.96],
    ['rebuilt perplexity of u <= dense', false, 6, 5],
    ['rebuilt perplexity of t >= 8', true, 8, 8],
    ['rebuilt perplexity of t > 8', false, 8, 8],
    // 1 - ln(8 / 4) / ln(16 / 4) = 1 - 1 / 2
    ['gap closed of t >= 50 %', true, 0.5, 0.5],
    ['gap closed of t > 0.5', false, 0.5, 0.5],
    // The initial mask is not worse than the dense model, so there is no gap.
    ['gap closed of u >= 0', false, null, 0],
    // In floats 0.6 - 0.58 is 0.020000000000000018.
    ['piqa acc drop <= 2 points', true, 0.6 - 0.58, 0.02],
    ['piqa acc drop <= 1.9 points', false, 0.6 - 0.58, 0.019],
    ['piqa acc drop < 2 points', false, 0.6 - 0.58, 0.02],
    ['piqa acc drop > 2 points', false, 0.6 - 0.58, 0.02],
    // In floats 0.7 - 0.6 is less than 0.1.
    ['rte acc drop < 10 points', false, 0.7 - 0.6, 0.1],
    ['rte acc drop >= 10 points', true, 0.7 - 0.6, 0.1],
    ['rte acc_norm drop <= 1', false, null, 1],
    ['piqa acc_norm drop <= 0', true, 0, 0],
    ['rebuilt piqa acc >= 58 %', true, 0.58, 0.58],
    ['rebuilt piqa acc >= 0.99 * dense', false, 0.58, 0.594],
    ['initial piqa acc >= 0', false, null, 0],
    ['rebuilt hellaswag acc >= 0', false, null, 0],
    // In floats 0.5 - 0.4999 is more than 0.0001.
    ['sparsity within 0.0001', true, 0.4999, 0.0001],
    ['sparsity within 0.009 points', false, 0.4999, 0.00009],
    ['sparsity >= 0.5', false, 0.4999, 0.5],
    ['weights grown <= 10', true, 10, 10],
    ['weights pruned <= 10', false, 11, 10],
    ['seconds rebuild <= 3', true, 3, 3],
    ['seconds total < 10', false, 10, 10],
  ])('%s: %s', (check, passed, found, limit) => {
    const judged = judge(check);
    expect(judged).toMatchObject({ gate: check, asked: check, passed, found });
    expect(judged.limit).toBeCloseTo(limit, 12);
  });

  it('fail if a number is not finite, since that is null in JSON', () => {
    const broken = JSON.parse(JSON.stringify({ ...result, perplexity: { dense: { t: Infinity }, rebuilt: { t: 8 } } })) as Judged;
    expect(judge('dense perplexity of t >= 1', broken)).toMatchObject({ found: null, passed: false });
    expect(judge('rebuilt perplexity of t <= 2 * dense', broken)).toMatchObject({ found: 8, limit: null, passed: false });
  });

  it('keep the order of the file, and use their names', () => {
    const gates = ['weights grown > 0', 'weights pruned > 0'].map((check, index) => ({ check, ...parseCondition(check), ...(index === 1 && { name: 'second' }) }));
    expect(judgeGates(gates, result).map(({ gate, asked }) => [gate, asked])).toEqual([['weights grown > 0', 'weights grown > 0'], ['second', 'weights pruned > 0']]);
  });
});

describe('a member of a sweep with a failed gate', () => {
  const row = (name: string, status: SweepRow['status'], sparsity: number, initial: number): SweepRow => ({ name, workflowId: name, values: { s: sparsity }, status, perplexity: { initial: { t: initial } } });

  it('is never the best', () => {
    const rows = [row('a', 'done', 0.5, 9), row('b', 'gateFailed', 0.4, 8)];
    expect(bestOf(rows, { metric: 'perplexity.initial', goal: 'min' })).toMatchObject({ name: 'a', value: 9 });
  });

  it('can show that other members are pointless', () => {
    expect(skipReason({ s: 0.6 }, [row('b', 'gateFailed', 0.5, 30)], { metric: 'perplexity.initial', above: 20, along: 's' })).toBe('perplexity.initial of b is above 20');
  });
});
