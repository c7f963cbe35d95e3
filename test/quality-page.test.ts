/** What docs/quality.md, docs/methods.md and README.md say about quality must follow from docs/quality.jsonl. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { defaultEffort, efforts } from '../science/methods/rebuild/best/recipe.js';
import { blocksOf } from '../tools/bench/quality/blocks.js';
import { readResults } from '../tools/bench/quality/results.js';
import { sectionsOf, type Row } from '../tools/bench/quality/table.js';
import { withTable } from '../tools/marked-page.js';
import { root } from './helpers/documents.js';

const lines = readResults(join(root, 'docs/quality.jsonl'));
const page = readFileSync(join(root, 'docs/quality.md'), 'utf8');
const { measured, judges } = blocksOf(lines);

/** The rows of each model, calibration and pattern, by method. */
const cells = sectionsOf(lines).flatMap(({ model, about, rows }) => [...new Set(rows.map(({ pattern }) => pattern))].map((pattern) => ({
  name: `${model}, ${pattern}, ${about.split(' tokens')[0]}`,
  rows: new Map(rows.filter((row) => row.pattern === pattern).map((row) => [row.method, row])),
})));
/** The patterns of the tables about SmolLM2-135M. */
const smolPatterns = ['50', '60', '70', '2:4'];
const recipe = (effort: number): string => `best:effort=${effort}`;

/** The methods that are a single step, and were measured in this cell. */
const single = (rows: ReadonlyMap<string, Row>): Row[] => [...rows.values()].filter(({ method }) => !method.startsWith('best'));

/** The shares of a method in the table of means, by pattern. */
function means(method: string): number[] {
  const line = measured.split('### Small models together')[1].split('\n').find((text) => text.startsWith(`| ${method} |`)) ?? '';
  return [...line.matchAll(/(-?[\d.]+) % \(\d\)/g)].map(([, share]) => Number(share));
}

describe('docs/quality.md', () => {
  test('has the tables of docs/quality.jsonl', () => {
    expect(withTable(withTable(page, 'measured', measured), 'judges', judges)).toBe(page);
  });

  test.each(cells.filter(({ rows }) => rows.has(recipe(defaultEffort)) && single(rows).length > 0))('best is not worse than any single method by more than 0.5 %: $name', ({ rows }) => {
    const best = rows.get(recipe(defaultEffort)) as Row;
    for (const { method, perplexity } of single(rows)) {
      for (const [text, value] of Object.entries(perplexity)) expect(best.perplexity[text], `${method} on ${text}`).toBeLessThanOrEqual(1.005 * value);
    }
  });

  test('the means over the small models rise with effort, but for one tie of 4:8', () => {
    const shares = efforts.map((effort) => means(recipe(effort)));
    for (const [pattern] of shares[0].entries()) {
      for (let i = 1; i < shares.length; i++) expect(shares[i][pattern]).toBeGreaterThan(shares[i - 1][pattern] - 0.25);
    }
  });

  test('efforts 10 and 30 close what was asked for at 50 %, 60 %, 70 % and 2:4', () => {
    for (const [effort, asked] of [[10, [62, 60, 60, 60]], [30, [68, 64, 65, 68]]] as const) {
      asked.forEach((share, pattern) => { expect(means(recipe(effort))[pattern]).toBeGreaterThanOrEqual(share); });
    }
  });
});

describe('docs/methods.md', () => {
  const methods = readFileSync(join(root, 'docs/methods.md'), 'utf8').split('### Numbers')[1];

  test.each([
    ['published', '`published`'], ['guarded', '`guarded`'], ['refit', '`guarded` with `weights: refit`'], ['swaps', '`swaps`'],
    ...efforts.map((effort) => [recipe(effort), `\`best\`, effort ${effort}`]),
  ])('has the means of %s', (method, words) => {
    const row = methods.split('\n').find((line) => line.startsWith(`| ${words} |`)) ?? '';
    expect([...row.slice(words.length + 2).matchAll(/([\d.]+) (?=\|)/g)].slice(0, 4).map(([, share]) => Number(share))).toEqual(means(method).slice(0, 4));
  });
});

describe('README.md', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');

  test.each([['published', 'published'], ['guarded', '`guarded`'], ['best:effort=1', 'effort: 1 }'], ['best:effort=10', 'strategy: best }'], ['best:effort=30', 'effort: 30 }']])('has the means of %s', (method, words) => {
    const [fifty, , seventy, twoOfFour] = means(method);
    const row = readme.split('\n').find((line) => line.startsWith('|') && line.includes(words) && line.includes(' % |')) ?? '';
    expect([...row.matchAll(/([\d.]+) % \|/g)].map(([, share]) => Number(share))).toEqual([fifty, seventy, twoOfFour]);
  });

  test.each([['wanda', '| Wanda |'], ['sparsegpt', '| SparseGPT |'], ['refit', '| Wanda and `rebuild: { weights: refit }` |'], [recipe(defaultEffort), '| Wanda and `rebuild: { strategy: best }` |']])('has the perplexities of SmolLM2-135M with %s', (method, words) => {
    const ofModel = cells.filter(({ name }) => name.startsWith('SmolLM2-135M') && name.includes('64 windows'));
    const measuredIn = smolPatterns.map((pattern) => ofModel.find(({ name }) => name.includes(`, ${pattern},`))?.rows.get(method)?.perplexity.wikitext2.toFixed(1));
    const row = readme.split('\n').find((line) => line.startsWith(words) && !line.includes('%')) ?? '';
    expect(row.slice(words.length).split('|').map((cell) => cell.trim()).filter((cell) => cell !== '')).toEqual(measuredIn);
  });
});
