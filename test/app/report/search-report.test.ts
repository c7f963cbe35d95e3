import { describe, expect, it } from 'vitest';
import { searchTable, searchRows } from '../../../app/report/index.js';
import { renderSearch } from '../../../app/report/search-report.js';
import { sweepPlot } from '../../../app/report/sweep-plot.js';
import type { GateResult } from '../../../workflows/protocol.js';
import type { SearchResult, SearchRow, SearchTable } from '../../../workflows/search-protocol.js';

const gate = (found: number): GateResult => ({ gate: 'good', asked: 'rebuilt perplexity <= 3', quantity: 'perplexity', comparison: '<=', limit: 3, found, passed: found <= 3 });
const row = (index: number, rebuilt: number): SearchRow => ({
  name: `sparsity=0.${index}`, workflowId: `w.sparsity=0.${index}`, values: { 'initialMask.sparsity': index / 10 }, index,
  status: rebuilt <= 3 ? 'done' : 'gateFailed', gates: [gate(rebuilt)], perplexity: { dense: { t: 2 }, rebuilt: { t: rebuilt } }, seconds: 1, checkpoint: `/c${index}`, mask: `/m${index}`, report: `/r${index}`,
});
const table: SearchTable = { name: 'example', axes: ['initialMask.sparsity'], rows: [row(1, 2.1), row(9, 8), row(5, 2.5)], points: 9, mostRuns: 5, best: { name: 'sparsity=0.5' } };

describe('files of a search', async () => {
  const files = await renderSearch(table);

  it('Markdown: shows the answer with its checkpoint and mask, the points by sparsity, and the order in which they were tried', () => {
    expect(files['report.md']).toContain('The sparsest point that passes: `sparsity=0.5`, checkpoint `/c5`, mask `/m5`.');
    expect(files['report.md']).toContain('3 of 9 points tried; 3.0 s of work');
    const cells = files['report.md'].split('\n').filter((line) => /^\| 0/.test(line)).map((line) => line.split('|').slice(1, 3).map((cell) => cell.trim()));
    expect(cells).toEqual([['0.1', 'done'], ['0.5', 'done, best'], ['0.9', 'gateFailed']]);
    expect(files['report.md'].match(/^\d\. .*/gm)).toEqual([
      '1. `sparsity=0.1` passed: good: passed (2.1) (workflow `w.sparsity=0.1`, report `/r1`)',
      '2. `sparsity=0.9` did not pass: good: FAILED (8) (workflow `w.sparsity=0.9`, report `/r9`)',
      '3. `sparsity=0.5` passed: good: passed (2.5) (workflow `w.sparsity=0.5`, report `/r5`)',
    ]);
    expect(JSON.parse(files['table.json'])).toEqual(table);
    expect(files['table.csv'].split('\r\n').map((line) => line.split(',')[0])).toEqual(['initialMask.sparsity', '0.1', '0.5', '0.9', '']);
  });

  it('curve: shows perplexity over sparsity, the dense model, and marks the points that failed', () => {
    const svg = files['plot.svg'];
    for (const text of ['example', 'initialMask.sparsity', 'perplexity.rebuilt', 'dense 2']) expect(svg).toContain(`>${text}</text>`);
    const red = (of: SearchRow[]): number => (sweepPlot({ ...table, rows: of })?.match(/fill="#c00"/g) ?? []).length;
    expect([red(table.rows), red(table.rows.slice(0, 1)), red([row(8, 4), row(9, 8)])]).toEqual([1, 0, 2]);
  });

  it('says that no point passes, that a run failed, or that it was cancelled', async () => {
    const reportOf = async (of: SearchTable): Promise<string> => (await renderSearch(of))['report.md'];
    expect(await reportOf({ ...table, rows: [row(1, 7)], best: undefined })).toContain('No point passes, not even the least sparse one.');
    const failed: SearchRow = { name: 'sparsity=0.9', workflowId: 'w', values: { 'initialMask.sparsity': 0.9 }, index: 9, status: 'failed', error: { type: 'NonFiniteValueError', message: 'NaN came out' } };
    const text = await reportOf({ ...table, rows: [row(1, 2), failed], best: { name: 'sparsity=0.1' } });
    expect(text).toContain('No answer: `sparsity=0.9` failed. The sparsest point that passed before: `sparsity=0.1`');
    expect(text).toContain('2. `sparsity=0.9` failed: NaN came out (NonFiniteValueError)');
    expect(await reportOf({ ...table, rows: [{ ...failed, status: 'cancelled', error: undefined }], best: undefined })).toContain('No answer: `sparsity=0.9` cancelled.');
  });
});

it('makes a result with the same table, with patterns in the order of the grid', () => {
  const tried = (['4:8', '1:4', '2:4'] as const).map((pattern, at) => ({
    name: `pattern=${pattern}`, index: [0, 2, 1][at], sparsity: pattern === '1:4' ? 0.75 : 0.5, pattern, passed: pattern !== '1:4', gates: [], sparsityFound: 0.5, workflowId: pattern, checkpoint: '/c', mask: '/m', report: '/r',
  }));
  const result: SearchResult = { name: 'p', best: tried[2], tried, runs: 3, points: 3, report: '/report.md' };
  const [heading, ...rows] = searchRows(searchTable(result));
  expect(heading.slice(0, 2)).toEqual(['initialMask.pattern', 'status']);
  expect(rows.map((cells) => cells.slice(0, 2))).toEqual([['4:8', 'done'], ['2:4', 'done, best'], ['1:4', 'gateFailed']]);
});
