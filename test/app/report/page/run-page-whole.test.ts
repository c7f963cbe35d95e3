/** Pages of runs whose results have everything that is possible, and of runs whose results have little. */
import { expect, it } from 'vitest';
import { formatDuration, formatNumber, formatInteger, formatPercent } from '../../../../app/report/format.js';
import { renderRunPage } from '../../../../app/report/page/run-page.js';
import { exampleRequest } from './example-request.js';
import { textOf } from './text-of.js';

it('has every number of the result', async () => {
  const { result, ...request } = exampleRequest(3);
  const text = textOf(await renderRunPage({ result, ...request }));
  const { proof } = request.pruned;
  const expected = [
    ...Object.values(result.perplexity).flatMap((byDataset) => Object.values(byDataset).map(formatNumber)),
    ...Object.values(result.zeroShot ?? {}).flatMap((tasks) => Object.values(tasks).map(({ acc }) => `${(100 * acc).toFixed(2)} ± 3.10`)), 'arc_easy (200)',
    ...result.rebuild.layers.flatMap((entry) => [formatNumber(entry.errorBefore), formatNumber(entry.errorAfter), `${entry.grown} grown, ${entry.pruned} pruned`]),
    ...result.initialMask.layers.map((share) => (100 * share).toFixed(1)), '0.02 7',
    ...proof.linears.map(({ zeros, weights }) => `${formatInteger(zeros)} of ${formatInteger(weights)}`),
    ...Object.values(result.seconds).map(formatDuration), `${result.reused} pieces`,
    formatPercent(result.sparsity.target), formatPercent(result.sparsity.actual), formatInteger(proof.weights - proof.zeros), formatInteger(result.model.parameters), formatInteger(result.model.prunable),
    '<= 8 6.32 passed +21 %', '<= 40 80 FAILED -100 %', '1 of 2 gates failed', '2026-01-02 03:04:05 compute process was killed',
    'rebuild 1 min 16 s 1 min 16 s 0.0 s 1 min 1 s +25 % 400 MiB 420 MiB', 'initial mask 1.3 s 1.0 s 0.3 s 1.0 s +25 %',
    '123@here 2 26 s 0.4 s 15 s', '456@there 2 35 s 7.0 s 0.0 s', 'rebuild, layer 1: failed, or lost with its worker: 11 s', 'evaluation, <dense>: 8.0 s', 'For 7.0 s no worker had work',
    ...proof.files.map(({ sha256, file }) => `${sha256} ${file}`), result.configDigest, result.model.digest, result.checkpoint,
  ];
  expect(expected.filter((number) => !text.includes(number))).toEqual([]);
  expect(text).not.toMatch(/NaN|undefined|\[object/);
});

it('shows all names as text', async () => {
  const names = ['<script>alert(1)</script>', `"><img src=x onerror=alert(1)>`, "it's", 'שלום \u202e gnp.exe', '</style></pre>'];
  for (const name of names) {
    const { result, ...request } = exampleRequest(1);
    const evil = { ...result, name, checkpoint: name, model: { ...result.model, source: `/m/${name}` }, perplexity: { rebuilt: { [name]: 3 } }, incidents: [{ at: '', what: name }] };
    const page = await renderRunPage({ ...request, result: evil });
    expect(page.match(/<script|<img src=x|onerror="/g)).toBeNull();
    expect(page.match(/<\/style>/g)).toHaveLength(1);
    expect(textOf(page)).toContain(name.replace(/\s+/g, ' '));
  }
});

it('can be made for a result without mask and rebuild, and for one from before newer fields', async () => {
  const { result, pipeline } = exampleRequest(1);
  const old = { ...result, mask: '', proof: '', gates: undefined, zeroShot: undefined, incidents: undefined, perplexity: {}, rebuild: { grown: 0, pruned: 0, layers: [] }, initialMask: { layers: [], linears: [] } };
  const text = textOf(await renderRunPage({ result: old, pipeline }));
  expect(text).toContain('Use it');
  expect(text).not.toMatch(/NaN|undefined|Infinity/);
});
