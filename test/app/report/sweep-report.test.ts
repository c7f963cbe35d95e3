import { describe, expect, it } from 'vitest';
import { plotData, sweepPlot } from '../../../app/report/sweep-plot.js';
import { renderSweep } from '../../../app/report/sweep-report.js';
import type { SweepRow, SweepTable } from '../../../workflows/sweep-protocol.js';

const row = (sparsity: number, ratio: number, rebuilt: number): SweepRow => ({
  name: `sparsity=${sparsity},ratio=${ratio}`,
  workflowId: `id.sparsity=${sparsity},ratio=${ratio}`,
  values: { 'initialMask.sparsity': sparsity, 'rebuild.ratio': ratio },
  status: 'done',
  sparsity,
  perplexity: { dense: { 'a,"b".txt': 2 }, initial: { 'a,"b".txt': 8 }, rebuilt: { 'a,"b".txt': rebuilt } },
  seconds: 1.5,
  checkpoint: '/state/runs/x/checkpoint',
  report: '/state/runs/x/report.md',
});
const failed: SweepRow = { name: 'sparsity=0.9,ratio=0.1', workflowId: 'id.x', values: { 'initialMask.sparsity': 0.9, 'rebuild.ratio': 0.1 }, status: 'failed', error: { type: 'NonFiniteValueError', message: 'NaN | came out' } };
const table: SweepTable = {
  name: 'example',
  axes: ['initialMask.sparsity', 'rebuild.ratio'],
  rows: [row(0.6, 0.1, 4), row(0.5, 0.1, 3.123456789), row(0.5, 0.5, 2.828427), failed],
  best: { metric: 'perplexity.rebuilt', goal: 'min', name: 'sparsity=0.5,ratio=0.5', value: 2.828427 },
};

describe('files of a sweep', async () => {
  const files = await renderSweep(table);

  it('Markdown: has one row for each member, marks the best, and says which failed and why', () => {
    const lines = files['table.md'].trim().split('\n').map((line) => line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim()));
    expect(lines[0]).toEqual(['initialMask.sparsity', 'rebuild.ratio', 'status', 'sparsity found', 'dense', 'initial', 'rebuilt', 'gap closed', 'seconds']);
    // ln(2.828427 / 2) / ln(4) = 1/4
    expect(lines.slice(2, 5).map(([sparsity, ratio]) => `${sparsity}/${ratio}`)).toEqual(['0.5/0.1', '0.5/0.5', '0.6/0.1']);
    expect(lines[3]).toEqual(['0.5', '0.5', 'done, best', '50 %', '2', '8', '2.828', '75.0 %', '1.5']);
    expect(lines[5]).toEqual(['0.9', '0.1', 'failed', '', '', '', '', '', '']);
    expect(files['report.md']).toContain('4 members: 3 done, 1 failed. 4.5 s of work in all members; shared work is counted for each.\n');
    expect(files['report.md']).toContain('`sparsity=0.9,ratio=0.1` failed: NaN | came out (NonFiniteValueError)');
    expect(files['report.md']).toContain('Best: `sparsity=0.5,ratio=0.5`');
    expect(files['report.md']).toContain('![plot](plot.svg)');
  });

  it('Markdown: shows the work actually done if every member reports it', async () => {
    const rows = table.rows.map((one) => (one.status === 'done' ? { ...one, spent: 0.5 } : one));
    expect((await renderSweep({ ...table, rows }))['report.md']).toContain('4.5 s of work in all members; shared work is counted for each. 1.5 s of it was done; the rest was found in the store.');
  });

  it('CSV and JSON: have the numbers in full', () => {
    const lines = files['table.csv'].split('\r\n');
    expect(lines).toHaveLength(6);
    expect(lines[1]).toMatch(/^0\.5,0\.1,done,0\.5,2,8,3\.123456789,0\.67\d+,1\.5,"sparsity=0\.5,ratio=0\.1",\/state/);
    expect(JSON.parse(files['table.json'])).toEqual(table);
  });

  it('plot: shows perplexity over sparsity in order, one line for each ratio, without failed members', () => {
    expect(plotData(table)).toEqual({
      x: 'initialMask.sparsity',
      y: 'perplexity.rebuilt',
      dense: 2,
      series: [
        { name: 'rebuild.ratio 0.1', points: [{ x: 0.5, y: 3.123456789 }, { x: 0.6, y: 4 }] },
        { name: 'rebuild.ratio 0.5', points: [{ x: 0.5, y: 2.828427 }] },
      ],
    });
    const svg = files['plot.svg'];
    expect(svg).toMatch(/^<svg [^>]*width="800"/);
    for (const text of ['example', 'initialMask.sparsity', 'perplexity.rebuilt', 'rebuild.ratio 0.1', 'rebuild.ratio 0.5', 'dense 2']) expect(svg).toContain(`>${text}</text>`);
  });

  it('plot: shows names in their order for values that are not numbers, and is empty without a finished member', async () => {
    const methods = ['wanda', 'a<b'].map((method, index): SweepRow => ({ ...row(0.5, 0.1, 3 + index), values: { 'initialMask.method': method } }));
    const named: SweepTable = { name: 'n', axes: ['initialMask.method'], rows: methods };
    expect(plotData(named)).toMatchObject({ x: 'initialMask.method', categories: ['wanda', 'a<b'], series: [{ name: 'all' }] });
    expect(sweepPlot(named)).toContain('>a&lt;b</text>');
    expect(Object.keys(await renderSweep({ ...table, rows: [failed] }))).not.toContain('plot.svg');
  });
});

it('keeps the Markdown table intact for all names', async () => {
  const odd = { ...table, rows: [{ ...row(0.5, 0.1, 3), values: { 'initialMask.sparsity': 'x | y\nz', 'rebuild.ratio': 1 } }] };
  expect((await renderSweep(odd))['table.md'].trim().split('\n')).toHaveLength(3);
});
