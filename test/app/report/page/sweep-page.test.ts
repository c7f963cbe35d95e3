import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatNumber } from '../../../../app/report/index.js';
import { renderSweepPage, type SweepPageRequest } from '../../../../app/report/page/sweep-page.js';
import { renderSearch } from '../../../../app/report/search-report.js';
import { renderSweep } from '../../../../app/report/sweep-report.js';
import type { SearchTable } from '../../../../workflows/search-protocol.js';
import { exampleSweep } from '../example-sweep.js';
import { textOf } from './text-of.js';

const request: SweepPageRequest = { table: exampleSweep, noun: 'sweep', about: 'About it.', files: ['report.md', 'table.csv'] };

describe('page of a sweep', () => {
  it('has every member with every number, and the reason why others have none', async () => {
    const text = textOf(await renderSweepPage(request));
    const expected = exampleSweep.rows.flatMap(({ name, perplexity, accuracy, seconds, spent, because, error }) => [
      name, ...Object.values({ ...perplexity?.initial, ...perplexity?.rebuilt }).map(formatNumber), ...(accuracy?.rebuilt === undefined ? [] : [`${(100 * accuracy.rebuilt).toFixed(2)} %`]),
      ...[seconds, spent].flatMap((value) => value?.toFixed(1) ?? []), ...(because === undefined || because === 'small loss' ? [] : [because]), error?.message ?? '',
    ]);
    // Ratios to the dense model are for the first text. The cards show the best member, and the work that sharing saved.
    expected.push('1.063', '1.75', '✓ 4 done', '✗ 1 failed a quality gate', '1 not started', 'Best by rebuilt perplexity 4.25', '58 s of all together, 5.80 EUR; 1 min 36 s, 9.60 EUR if each had run alone', '39.6 % was saved', 'chance', '25 %', 'together 58 s, 5.80 EUR', '3.30 EUR');
    expect(expected.filter((part) => !text.includes(part))).toEqual([]);
    expect(text).not.toMatch(/NaN(?! came)|undefined|Infinity|\[object/);
  });

  it('links to the pages of members that have one, in the folder of runs', async () => {
    const rows = exampleSweep.rows.map((row) => ({ ...row, workflowId: `${row.workflowId}#50%?` }));
    const links = [...(await renderSweepPage({ ...request, table: { ...exampleSweep, rows } })).matchAll(/href="([^"]+)"/g)].map(([, target]) => decodeURIComponent(target));
    const pages = rows.filter(({ report }) => report !== undefined).map(({ workflowId }) => `../../runs/${workflowId}/report.html`);
    expect(new Set(links)).toEqual(new Set([...pages, 'report.md', 'table.csv']));
  });

  it('escapes text, also in titles of points', async () => {
    const name = `<script>alert("1")</script>,x='é' \u202eabc`;
    const rows = exampleSweep.rows.map((row) => ({ ...row, name: `${row.name},${name}`, values: { ...row.values, 'model.source': name }, because: name, perplexity: row.perplexity && { dense: { [name]: 2 }, rebuilt: { [name]: 3 } } }));
    const page = await renderSweepPage({ ...request, table: { ...exampleSweep, name, rows, axes: [...exampleSweep.axes, name] } });
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).not.toContain('alert("1")</script>');
    expect(textOf(page)).toContain(name);
  });

  it('runs its own script and no other, and loads nothing', async () => {
    const page = await renderSweepPage(request);
    const script = /<script>([^]*)<\/script>/.exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(script).digest('base64');
    expect(page).toContain(`content="default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; img-src data:"`);
    expect(page).not.toMatch(/<link|@import|@font-face|\son\w+="|src="|fetch\(|import\(/i);
  });

  it('has the same bytes for the same table, whatever was drawn before', async () => {
    const first = await renderSweepPage(request);
    await renderSweepPage({ ...request, table: { ...exampleSweep, rows: exampleSweep.rows.slice(0, 2) } });
    expect(await renderSweepPage(request)).toBe(first);
  });

  it('can be made for one member, for none with a result, and for members of equal sparsity', async () => {
    for (const rows of [exampleSweep.rows.slice(0, 1), exampleSweep.rows.slice(5), [], exampleSweep.rows.slice(0, 5).map((row) => ({ ...row, sparsity: 0.5 }))]) {
      const text = textOf(await renderSweepPage({ ...request, table: { ...exampleSweep, rows, best: undefined } }));
      expect(rows.filter(({ name }) => !text.includes(name))).toEqual([]);
      expect(text).not.toMatch(/NaN(?! came)|undefined|Infinity/);
    }
  });

  it('of 2,000 members has at most 5 MB', async () => {
    const rows = Array.from({ length: 2000 }, (_, index) => {
      const row = exampleSweep.rows[index % 5];
      return { ...row, name: `${row.name},ratio=${index}`, values: { ...row.values, 'rebuild.ratio': index } };
    });
    const page = await renderSweepPage({ ...request, table: { ...exampleSweep, rows, axes: [...exampleSweep.axes, 'rebuild.ratio'] } });
    expect(Buffer.byteLength(page)).toBeLessThan(5_000_000);
    expect(page.match(/<tr /g)).toHaveLength(2000);
  });

  it('is one of the files of a sweep', async () => {
    const files = await renderSweep(exampleSweep);
    expect(files['report.html']).toContain('<h1><bdi>methods and sparsities</bdi></h1>');
    for (const [, target] of files['report.html'].matchAll(/href="([^."/]+\.\w+)"/g)) expect(Object.keys(files)).toContain(target);
  });
});

it('has the answer of a search, the gate, and its points', async () => {
  const gate = (found: number, passed: boolean) => ({ gate: 'good', asked: 'rebuilt perplexity <= 6', quantity: 'perplexity' as const, comparison: '<=' as const, limit: 6, found, passed });
  const rows: SearchTable['rows'] = exampleSweep.rows.slice(0, 3).map((row, index) => ({ ...row, index, gates: [gate(row.perplexity?.rebuilt?.a ?? NaN, row.status === 'done')] }));
  const { 'report.html': page } = await renderSearch({ name: 'sparsest', axes: ['initialMask.sparsity'], rows, points: 9, mostRuns: 5, best: { name: rows[1].name } });
  const text = textOf(page);
  for (const part of ['Sparsest that passes 50 %', rows[1].name, 'gate 6', '3 of 9 points were tried', '✗ 1 failed a quality gate']) expect(text).toContain(part);
  expect(text).not.toContain('Near the limit');
});

it('repeats the points near the limit if those of a search failed by far', async () => {
  const { table } = request;
  const gate = (found: number) => ({ gate: 'good', asked: 'rebuilt perplexity <= 5', quantity: 'perplexity' as const, comparison: '<=' as const, limit: 5, found, passed: found <= 5 });
  const rows: SearchTable['rows'] = table.rows.slice(0, 3).map((row, index) => ({ ...row, index, gates: [gate([4.25, 5, 700][index])], perplexity: { rebuilt: { a: [4.25, 5, 700][index] } } }));
  const { 'report.html': page } = await renderSearch({ name: 'far', axes: ['initialMask.sparsity'], rows, points: 9, mostRuns: 5 });
  const [, near] = page.split('<h2>Near the limit</h2>');
  expect(near.split('</section>')[0]).toContain('>gate 5</text>');
  expect(near.split('</section>')[0].match(/<title>[^<]*<\/title>/g)).toHaveLength(2);
});
