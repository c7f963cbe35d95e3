import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listText, type ShownRun } from '../../../app/cli/runs/list-text.js';

const plain = (_: unknown, text: string): string => text;
const run = (change: Partial<ShownRun>): ShownRun => ({ workflowId: 'demo-0123456789abcdef', runId: 'r', status: 'completed', started: '2026-11-30T10:43:43.000Z', name: 'demo', taskQueue: 'q', ...change });
const figures = { dataset: 'a', dense: 1.8352, initial: 3.69, rebuilt: 2.4504, gap: 0.587, sparsity: 0.5, seconds: 4.9 };

describe('a list of runs', () => {
  it('shows the result of a run, what it is, and why it failed', () => {
    const text = listText([
      run({ model: 'model', sparsity: 0.5, pattern: 'unstructured', methods: ['magnitude', 'guarded'], figures }),
      run({ name: 'other', status: 'failed', started: '2025-02-03T04:05:06.000Z', pattern: '2:4', sparsity: 0.5, reason: 'CheckpointError: no config.json' }),
    ], plain, new Date('2026-12-01'));
    expect(text.split('\n')).toEqual([
      'STARTED UTC  STATUS     NAME   SPARSITY  DENSE  REBUILT  GAP   WORK',
      '11-30 10:43  completed  demo   50 %      1.835  2.45     59 %  4.9 s',
      '  demo-0123456789abcdef  model  magnitude, guarded',
      '2025-02-03   failed     other  2:4',
      '  demo-0123456789abcdef',
      '  CheckpointError: no config.json',
    ]);
  });

  it('fits into 80 columns for all names, and never cuts a workflow id', () => {
    const anyRun = fc.record({ name: fc.string({ maxLength: 200 }), status: fc.constantFrom('running', 'gate failed', 'completed'), reason: fc.option(fc.string(), { nil: undefined }), model: fc.string(), methods: fc.array(fc.string()), withFigures: fc.boolean() });
    fc.assert(fc.property(fc.array(anyRun, { minLength: 1 }), (all) => {
      const text = listText(all.map(({ withFigures, ...one }, index) => run({ ...one, workflowId: `id-${index}`, ...(withFigures && { figures: { ...figures, seconds: 123_456, dense: 123_456.7 } }) })), plain);
      for (const line of text.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
      for (const index of all.keys()) expect(text).toMatch(new RegExp(`^  id-${index}(  |$)`, 'm'));
    }));
  });

  it('contains no control characters for the terminal', () => {
    expect(listText([run({ name: 'a\u001b[2Jb', reason: 'c\u0007\u202Ed', status: 'failed' })], plain)).not.toMatch(/[\u001b\u0007\u202E]/);
  });
});
