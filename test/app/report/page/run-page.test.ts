import { describe, expect, it } from 'vitest';
import { formatNumber, formatInteger } from '../../../../app/report/index.js';
import { renderRunPage } from '../../../../app/report/page/run-page.js';
import type { PipelineResult } from '../../../../workflows/protocol.js';
import { exampleProof } from '../example-proof.js';
import { examplePipeline, exampleResult } from '../example-result.js';

const pageOf = (result: Partial<PipelineResult> = {}, layers = 2) =>
  renderRunPage({ result: { ...exampleResult, ...result }, pipeline: examplePipeline, pruned: exampleProof(layers) });

describe('page of a run', () => {
  it('has every number of the result', async () => {
    const page = await pageOf();
    const { perplexity, rebuild, model, seconds } = exampleResult;
    const wanted = [
      ...Object.values(perplexity).flatMap((byDataset) => Object.values(byDataset).map(formatNumber)),
      ...rebuild.layers.flatMap(({ errorBefore, errorAfter, grown, pruned }) => [formatNumber(errorBefore), formatNumber(errorAfter), formatInteger(grown), formatInteger(pruned)]),
      formatInteger(model.parameters), formatInteger(model.prunable), formatInteger(rebuild.grown), '49.9999 %', '33.0 %', '1 min 20 s',
      ...exampleProof(2).proof.linears.flatMap(({ zeros, weights }) => [`${formatInteger(zeros)} of ${formatInteger(weights)}`, (100 * zeros / weights).toFixed(1)]),
      ...exampleProof(2).proof.files.map(({ bytes }) => formatInteger(bytes)),
    ];
    expect(seconds.total).toBe(80);
    for (const text of wanted) expect(page, text).toContain(text);
  });

  it('counts the rows of all experts, and says which expert a picture shows', async () => {
    const { proof, readBits } = exampleProof(1);
    const nothing = new Uint8Array((24 * 40) / 8);
    const linears = proof.linears.flatMap((linear) => {
      if (!linear.name.includes('.mlp.')) return [linear];
      return [0, 1].map((expert) => ({ ...linear, name: linear.name.replace('.mlp.', `.mlp.experts.${expert}.`), ...(expert === 1 && { zeros: linear.weights }) }));
    });
    const read = (name: string): Promise<Uint8Array> => (name.includes('experts.1.') ? Promise.resolve(nothing) : readBits(name.replace('.experts.0.', '.')));
    const page = await renderRunPage({ result: exampleResult, pipeline: examplePipeline, pruned: { proof: { ...proof, linears }, readBits: read } });
    expect(page).toContain('The 240 rows of all linears');
    expect(page).toContain(', expert 1<br>100.0 % zeros');
  });

  it('escapes text: markup, quotes, text directions', async () => {
    const name = `<script>alert("1")</script> & 'x' \u202eabc`;
    const page = await pageOf({ name, perplexity: { dense: { [name]: 2 } }, incidents: [{ at: '2026-01-01T00:00:00.000Z', what: name }] });
    expect(page).not.toContain('<script');
    expect(page.match(/&lt;script&gt;alert\(&quot;1&quot;\)/g)?.length).toBeGreaterThanOrEqual(4);
    expect(page).toContain('\u202eabc');
  });

  it('is one file that has no script and loads nothing', async () => {
    const page = await pageOf();
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`);
    expect(page).not.toMatch(/<script|<link|@import|@font-face|\son\w+=/i);
    for (const [, source] of page.matchAll(/(?:src=|url\()["']?([^"')\s>]+)/g)) expect(source).toMatch(/^(data:image\/png|#\w)/);
    // All links lead to files in the run's folder.
    for (const [, target] of page.matchAll(/<a href="([^"]+)"/g)) expect(target).not.toMatch(/^(https?:|\/|\.\.)/);
  });

  it('is the same for the same result, whatever was drawn before', async () => {
    const first = await pageOf();
    await pageOf({}, 5);
    expect(await pageOf()).toBe(first);
  });

  it('of 80 layers has at most 1 MB', async () => {
    const [entry] = exampleResult.rebuild.layers;
    const rounds = Array.from({ length: 6 }, (_, index) => ({ ratio: 0.1, errorBefore: 1 + index, error: 1.01 + index / 2, accepted: index < 5 }));
    const layers = Array.from({ length: 80 }, (_, layer) => (['attention', 'mlp'] as const).map((block) => ({ ...entry, layer, block, rounds, forwards: 12.3 }))).flat();
    // As many units as a run keeps separate, each of which waited for its worker.
    const units = Array.from({ length: 550 }, (_, i) => ({ stage: 'evaluation' as const, what: `evaluation, rebuilt, layer ${i % 80}`, worker: i % 20, asked: 10 * i, begun: 10 * i + 3.25, ended: 10 * i + 10 }));
    const timeline = { from: '2026-01-02T03:04:05.000Z', workers: Array.from({ length: 20 }, (_, i) => `${1_234_567 + i}@worker-${i}.cluster.example`), units, joined: 900 };
    const page = await renderRunPage({ result: { ...exampleResult, timeline, rebuild: { ...exampleResult.rebuild, layers } }, pipeline: examplePipeline, pruned: exampleProof(80, [64, 64]) });
    expect(page).toContain('900 later pieces of work');
    expect(Buffer.byteLength(page)).toBeLessThan(1_000_000);
    // Pictures of the first, the middle and the last layer.
    expect(page.match(/<img /g)).toHaveLength(3 * 7);
  });

  it('has no mask for a run that prunes nothing, and names failed gates', async () => {
    const gates: PipelineResult['gates'] = [{ gate: 'good', asked: 'rebuilt perplexity <= 5', quantity: 'perplexity', comparison: '<=', limit: 5, found: 6.32, passed: false }];
    const page = await renderRunPage({ result: { ...exampleResult, mask: '', rebuild: { grown: 0, pruned: 0, layers: [] }, gates }, pipeline: examplePipeline });
    expect(page).not.toContain('The mask itself');
    expect(page).toContain('1 of 1 gates failed');
    expect(page).toContain('FAILED');
  });
});
