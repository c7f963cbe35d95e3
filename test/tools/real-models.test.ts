/**
 * Real models compared with transformers, if they are on this machine. REAL_MODELS names a folder with the models, each under its name
 * in tools/real/expected.json (docs/families.md says how to get them). They are never committed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { densePerplexity, type ExpectedPerplexity } from '../../tools/bench/real/dense-perplexity.js';
import { temporaryState } from '../helpers/demo-run.js';
import { where } from '../helpers/needs.js';

const known = JSON.parse(readFileSync('tools/real/expected.json', 'utf8')) as ExpectedPerplexity[];
const folder = process.env['REAL_MODELS'] ?? '';

it('has all details in every entry', () => {
  expect(known.length).toBeGreaterThan(0);
  for (const { perplexity, tokens, windows, sequenceLength } of known) expect(perplexity > 1 && tokens >= windows * sequenceLength).toBe(true);
});

for (const expected of folder === '' ? [] : known) {
  const model = join(folder, expected.model);
  const text = resolve('../shared/data/text', expected.text);
  const met = existsSync(join(model, 'config.json')) && existsSync(text);
  it(`${expected.model} has the perplexity of transformers within 0.1 %, and the same number of tokens`, { timeout: 900_000, ...where({ met, reason: `needs ${model} and ${text}` }) }, async () => {
    const { state, remove } = await temporaryState();
    try {
      const found = await densePerplexity({ ...expected, model, text, state });
      expect(found.tokens).toBe(expected.tokens);
      expect(Math.abs(found.perplexity / expected.perplexity - 1)).toBeLessThan(1e-3);
    } finally {
      await remove();
    }
  });
}
