import { expect, it } from 'vitest';
import { renderComparePage } from '../../../../app/report/page/compare-page.js';
import { compareView } from '../../../../app/report/view/compare-view.js';
import { exampleCompared } from '../example-compared.js';
import { textOf } from './text-of.js';

const pages = ['runs/a b/report.html', '../<b>/report.html'];

it('has every number of the view, and links to the pages of the runs', async () => {
  const page = await renderComparePage(compareView(exampleCompared), pages);
  const text = textOf(page);
  for (const part of ['example ● against other ■', '9.41', '6.32', '5.32', '-1 (-16 %)', '+1 min 16 s (+94 %)', 'rebuild.ratio 0.1 0.2', '0.962', '0.667', '1.000', '0.8642', '0.015', '0.0075', '2e-7']) expect(text).toContain(part);
  expect(text).not.toMatch(/NaN|undefined|Infinity|\[object/);
  expect([...page.matchAll(/href="([^"]+)"/g)].map(([, target]) => decodeURIComponent(target))).toEqual(pages);
});

it('escapes text, loads nothing, and has the same bytes every time', async () => {
  const name = `<script>alert("1")</script> 'x' \u202eabc`;
  const evil = exampleCompared.map((run) => ({ ...run, id: name, result: { ...run.result, name, model: { ...run.result.model, source: name }, perplexity: { rebuilt: { [name]: 3 } } }, settings: new Map([['x', { text: `${run.label}${name}`, key: run.label }]]), ...(run.mask && { mask: name }) }));
  const page = await renderComparePage(compareView(evil), pages);
  expect(page).not.toContain('<script');
  expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`);
  expect(textOf(page)).toContain(name);
  const first = await renderComparePage(compareView(exampleCompared), pages);
  await renderComparePage(compareView(evil), pages);
  expect(await renderComparePage(compareView(exampleCompared), pages)).toBe(first);
});

it('can be made for runs that have nothing but a name', async () => {
  const bare = exampleCompared.map(({ label, id, result }) => ({ label, id, result: { ...result, perplexity: {}, rebuild: { grown: 0, pruned: 0, layers: [] }, mask: '' }, ...(label !== 'A' && { mask: 'the run pruned nothing' }) }));
  const text = textOf(await renderComparePage(compareView(bare), pages));
  expect(text).toContain('B: the run pruned nothing');
  expect(text).toContain('Those of A, B are unknown');
  expect(text).not.toMatch(/NaN|undefined|Infinity/);
});
