/**
 * Measures the dense perplexity of a model, and compares it with that of transformers if tools/real/expected.json has one.
 * Exits with code 1 if the two differ by more than 0.1 %, or in the number of tokens.
 *
 *   npm run bench -- real --model FOLDER [--text ../shared/data/text/wikitext2-raw.test.txt] [--windows 8] [--length 256]
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '#setup/paths.mjs';
import { densePerplexity, type ExpectedPerplexity } from './real/dense-perplexity.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    text: { type: 'string', default: '../shared/data/text/wikitext2-raw.test.txt' },
    windows: { type: 'string', default: '8' },
    length: { type: 'string', default: '256' },
  },
});
if (values.model === undefined) throw new Error('give a model with --model FOLDER (docs/families.md, "Real models", says how to get one)');
const [model, text, windows, sequenceLength] = [resolve(values.model), resolve(values.text), Number(values.windows), Number(values.length)];
const known = JSON.parse(await readFile(join(packageRoot, 'tools', 'real', 'expected.json'), 'utf8')) as ExpectedPerplexity[];
const expected = known.find((one) => one.model === basename(model) && one.text === basename(text) && one.windows === windows && one.sequenceLength === sequenceLength);

const state = await mkdtemp(join(tmpdir(), 'bench-real-'));
try {
  const begun = performance.now();
  const found = await densePerplexity({ model, text, windows, sequenceLength, state });
  console.log(`${basename(model)}: perplexity ${found.perplexity} of ${windows} windows of ${sequenceLength} of ${found.tokens} tokens, ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  if (expected === undefined) console.log('tools/real/expected.json has no such entry to compare with.');
  else {
    const off = found.perplexity / expected.perplexity - 1;
    console.log(`transformers ${expected.transformers}: ${expected.perplexity} of ${expected.tokens} tokens; ours differs by ${(100 * off).toFixed(4)} %`);
    process.exitCode = Math.abs(off) <= 1e-3 && found.tokens === expected.tokens ? 0 : 1;
  }
} finally {
  await rm(state, { recursive: true, force: true });
}
