import { describe, expect, it } from 'vitest';
import type { Measured, ResultLine } from '../../../../tools/bench/quality/cell.js';
import { withTable } from '../../../../tools/marked-page.js';
import { markdownOf, sectionsOf } from '../../../../tools/bench/quality/table.js';

const evaluations = [{ name: 'held-out', text: 't', skip: 0, windows: 4, length: 8 }];
const dense = (model: string, value: number): ResultLine => ({ key: `dense ${model}`, model, pattern: 'dense', method: 'dense', evaluations, engine: 'e', measured: { perplexity: { 'held-out': value } } });

function result(method: string, value: number, more: Omit<Partial<ResultLine>, 'measured'> & { seed?: number; measured?: Partial<Measured> } = {}): ResultLine {
  const { seed = 0, measured, ...rest } = more;
  return {
    key: 'k', model: 'm', pattern: '50', method, evaluations, engine: 'e', code: 'c',
    calibration: { text: 't', samples: 2, length: 8, sampling: 'random', seed },
    measured: { perplexity: { 'held-out': value }, seconds: { initial: 1, rebuild: 2 }, sparsity: 0.5, peakBytes: 2 ** 30, ...measured }, ...rest,
  };
}

describe('table of results', () => {
  it('takes the share of the gap from Wanda with the same seed and pattern, and the mean over seeds', () => {
    const [section] = sectionsOf([
      dense('m', 2), result('wanda', 8), result('refit', 4), result('wanda', 32, { seed: 1 }), result('refit', 8, { seed: 1 }),
      result('wanda', 1000, { pattern: '2:4' }),
    ]);
    const refit = section.rows.find(({ method }) => method === 'refit');
    // Gaps: from ln 4 half remains, ln 2; from ln 16 half remains, ln 4.
    expect(refit?.closed['held-out']).toBeCloseTo(0.5, 12);
    expect(refit?.perplexity['held-out']).toBeCloseTo(Math.sqrt(32), 12);
    expect(refit?.seeds).toBe(2);
    expect(section.rows.map(({ pattern, method }) => `${pattern} ${method}`)).toEqual(['50 wanda', '50 refit', '2:4 wanda']);
  });

  it('uses the last of several versions of the code', () => {
    const [{ rows }] = sectionsOf([dense('m', 2), result('wanda', 8), result('refit', 4), result('refit', 2, { code: 'd' })]);
    expect(rows[1].perplexity['held-out']).toBeCloseTo(2, 12);
    expect(rows[1].closed['held-out']).toBeCloseTo(1, 12);
  });

  it('separates results with another calibration, and has no share without Wanda', () => {
    const calibration = { text: 't', samples: 4, length: 8, sampling: 'random' as const, seed: 0 };
    const sections = sectionsOf([dense('m', 2), result('wanda', 8), result('refit', 4, { calibration })]);
    expect(sections).toHaveLength(2);
    expect(sections[1].rows[0].closed['held-out']).toBeUndefined();
  });

  it('writes Markdown with impossible cells and the mean over models', () => {
    const lines = [
      dense('m', 2), result('wanda', 8), result('refit', 4, { measured: { forwards: 12 } }),
      dense('n', 2), result('wanda', 8, { model: 'n' }), result('refit', 2, { model: 'n' }),
      result('wanda', 0, { model: 'n', pattern: '4:8', measured: undefined, impossible: 'does not divide' }),
    ].map((line) => (line.impossible === undefined ? line : { ...line, measured: undefined }));
    const text = markdownOf(sectionsOf(lines));
    expect(text).toContain('| pattern | method | held-out | closed | s | forwards | GiB |\n|---|---|--:|--:|--:|--:|--:|');
    expect(text).toContain('| 50 % | wanda | 8.00 |  | 1.0 + 2.0 |  | 1.00 |\n| 50 % | refit | 4.00 | 50.0 % | 1.0 + 2.0 | 12.0 | 1.00 |');
    expect(text).toContain('Dense: held-out 2.00.');
    expect(text).toContain('* does not divide');
    expect(text).toContain('| method | 50 % |\n|---|--:|\n| refit | 75.0 % (2) |');
  });
});

describe('page', () => {
  it('gets a new table between its marks, any number of times', () => {
    const page = 'before\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nafter\n';
    const once = withTable(page, 'measured', 'new\n');
    expect(once).toBe('before\n<!-- measured: begin -->\n\nnew\n\n<!-- measured: end -->\nafter\n');
    expect(withTable(once, 'measured', 'new\n')).toBe(once);
    expect(() => withTable('nothing', 'measured', 'new')).toThrow(/measured: begin/);
  });
});
