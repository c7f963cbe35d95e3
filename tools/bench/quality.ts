/**
 * What guarded rebuild, masks alone or with a refit, gains over one published round, as a Markdown table: perplexity on held-out text, share of the
 * log-perplexity gap to the dense model that is closed, and seconds, for each model, initial mask and pattern.
 *
 * usage: node dist/tools/bench/quality.js [--data DIR] [--models A,B] [--patterns 50,2:4] [--starts wanda] [--write FILE]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openEngine } from '../../science/engine/index.js';
import { parsePattern, PatternError, patternSparsity } from '../../science/methods/index.js';
import type { MaskTarget } from '../../science/methods/index.js';
import { gapClosed } from '../../workflows/gap-closed.js';
import { perBatch, QualityModel, samples } from './quality-model.js';
import type { Start, Strategy } from './quality-model.js';

/** Model folders of the data, and the text that each was trained on. */
const texts: Record<string, string> = { 'stories260K': 'tiny.utf8', 'babyllama-tok105': 'tiny.utf8', 'tiny-opt': 'wiki.utf8' };

const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    models: { type: 'string', default: Object.keys(texts).join() },
    patterns: { type: 'string', default: '50,60,70,2:4,4:8' },
    starts: { type: 'string', default: 'magnitude,wanda,sparsegpt' },
    'calibration-from': { type: 'string', default: '0' },
    'evaluation-windows': { type: 'string', default: '256' },
    write: { type: 'string' },
  },
});

interface Row {
  model: string;
  start: Start;
  pattern: string;
  dense: number;
  initial: number;
  published: Result;
  /** Masks only: weights that are kept have the values that they had. */
  guarded: Result;
  /** Guarded, and the kept weights fitted anew. */
  refit: Result;
}

interface Result {
  perplexity: number;
  /** `1 - ln(rebuilt / dense) / ln(initial / dense)` */
  closed: number;
  seconds: number;
  forwards: number;
}

function targetOf(pattern: string): MaskTarget {
  if (!pattern.includes(':')) return { pattern: parsePattern('unstructured'), sparsity: Number(pattern) / 100 };
  const parsed = parsePattern(pattern);
  return { pattern: parsed, sparsity: patternSparsity(parsed) as number };
}

async function measure(model: QualityModel, dense: number, start: Start, pattern: string): Promise<Omit<Row, 'model'>> {
  const target = targetOf(pattern);
  const before = await model.prune(start, target);
  const initial = await model.perplexity(before);
  const run = async (strategy: Strategy): Promise<Result> => {
    const { seconds, forwards, ...pruned } = await model.rebuild(strategy, before, target.pattern);
    const perplexity = await model.perplexity(pruned);
    return { perplexity, closed: gapClosed(dense, initial, perplexity) ?? NaN, seconds, forwards };
  };
  return { start, pattern, dense, initial, published: await run('published'), guarded: await run('guarded'), refit: await run('refit') };
}

const head = [
  '| model (dense) | start | pattern | initial | published | closed | s | guarded | closed | s | forwards | refit | closed | s | forwards |',
  `|---|---|---|${'--:|'.repeat(12)}`,
];

function lineOf({ model, start, pattern, dense, initial, published, guarded, refit }: Row): string {
  const percent = ({ closed }: Result): string => `${(100 * closed).toFixed(1)} %`;
  const cells = [
    `${model} (${dense.toFixed(2)})`, names[start], pattern.includes(':') ? pattern : `${pattern} %`, initial.toFixed(2),
    published.perplexity.toFixed(2), percent(published), published.seconds.toFixed(2),
    ...[guarded, refit].flatMap((result) => [result.perplexity.toFixed(2), percent(result), result.seconds.toFixed(2), result.forwards.toFixed(1)]),
  ];
  return `| ${cells.join(' | ')} |`;
}

const names: Record<Start, string> = { magnitude: 'magnitude', wanda: 'Wanda', sparsegpt: 'SparseGPT' };

/** What a rebuild does unless told otherwise: weights that SparseGPT has changed are fitted anew, dense ones are left as they are. */
function defaultOf({ start, guarded, refit }: Row): Result {
  return start === 'sparsegpt' ? refit : guarded;
}

/** The table in a few numbers. */
function summaryOf(rows: readonly Row[]): string[] {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const worst = (what: string, resultOf: (row: Row) => Result, than: 'initial' | 'published'): string => {
    const ratioOf = (row: Row): number => resultOf(row).perplexity / (than === 'initial' ? row.initial : row.published.perplexity);
    const row = rows.reduce((a, b) => (ratioOf(b) > ratioOf(a) ? b : a));
    const over = rows.filter((each) => ratioOf(each) > 1.005).length;
    const where = `${row.model}, ${names[row.start]}, ${row.pattern}`;
    return `* ${what} against ${than}: at worst ${(100 * (ratioOf(row) - 1)).toFixed(2)} % (${where}); more than 0.5 % above in ${over} of ${rows.length} cells.`;
  };
  const cost = (what: string, of: 'guarded' | 'refit'): string => {
    const seconds = mean(rows.map((row) => row[of].seconds)) / mean(rows.map(({ published }) => published.seconds));
    return `* ${what}: ${seconds.toFixed(2)} times the seconds of published; at most ${Math.max(...rows.map((row) => row[of].forwards)).toFixed(1)} forwards, published 4.33.`;
  };
  const lines = [
    worst('default', defaultOf, 'initial'), worst('default', defaultOf, 'published'),
    worst('refit', ({ refit }) => refit, 'initial'), worst('refit', ({ refit }) => refit, 'published'),
    cost('guarded', 'guarded'), cost('refit', 'refit'),
  ];
  const closed = (what: string, some: readonly Row[]): void => {
    if (some.length === 0) return;
    const share = (of: 'published' | 'guarded' | 'refit'): string => `${(100 * mean(some.map((row) => row[of].closed))).toFixed(1)} %`;
    lines.push(`* share of the gap closed ${what}, on average: ${share('published')} published, ${share('guarded')} guarded, ${share('refit')} refit.`);
  };
  const plain = rows.filter(({ start }) => start !== 'sparsegpt');
  const half = plain.filter(({ pattern }) => pattern === '50');
  if (half.length > 0) {
    const times = (of: 'guarded' | 'refit'): string => mean(half.map((row) => row[of].closed / row.published.closed)).toFixed(2);
    lines.push(`* at 50 % from magnitude and Wanda, cell by cell, guarded closes ${times('guarded')} times the share that published closes, refit ${times('refit')} times.`);
  }
  closed('at 50 % from magnitude and Wanda', half);
  closed('from magnitude and Wanda', plain);
  closed('from SparseGPT', rows.filter(({ start }) => start === 'sparsegpt'));
  return lines;
}

const engine = await openEngine({ backend: 'auto' });
const rows: Row[] = [];
/** Patterns that do not divide the linears of a model. */
const impossible: string[] = [];
console.log(head.join('\n'));
for (const name of options.models.split(',')) {
  const model = await QualityModel.open({
    folder: join(options.data, 'models', name),
    text: join(options.data, 'text', texts[name]),
    calibrationFrom: Number(options['calibration-from']),
    evaluationWindows: Number(options['evaluation-windows']),
  });
  const dense = await model.perplexity();
  for (const pattern of options.patterns.split(',')) {
    for (const start of options.starts.split(',') as Start[]) {
      try {
        rows.push({ model: name, ...(await measure(model, dense, start, pattern)) });
        console.log(lineOf(rows[rows.length - 1]));
      } catch (fault) {
        if (!(fault instanceof PatternError)) throw fault;
        impossible.push(`* ${name}, ${pattern}: ${fault.message}`);
        break;
      }
    }
  }
  model.dispose();
}
const summary = [...summaryOf(rows), ...impossible];
console.log(`\n${summary.join('\n')}`);
if (options.write !== undefined) {
  const page = [
    '# Quality',
    '',
    'Perplexity on held-out text from initial masks, and after rebuilds by block, or N:M:',
    '',
    '* *published*: one round, as in the paper, with ratio 0.1.',
    '* *guarded*: `strategy: guarded` with its defaults and `weights: keep-updates`, so that only the masks change.',
    '* *refit*: the same with `weights: refit`, which also fits the kept weights anew; the default after SparseGPT. Both have the same budget.',
    '',
    'From SparseGPT, published and guarded keep its updates. *closed*: share of the log-perplexity gap to the dense model,',
    '`1 - ln(rebuilt / dense) / ln(initial / dense)`. *s*: seconds of the rebuild. *forwards*: mean over sub-blocks of what was',
    'computed, in forwards of the sub-block over all calibration windows; a published round is 4.33.',
    '',
    '```',
    'npm run build && node dist/tools/bench/quality.js --write docs/quality.md',
    '```',
    '',
    `${engine.backend} on ${engine.device}, ${engine.threads} threads. ${samples} calibration windows, ${perBatch} a batch; windows of half of the model's positions; ${options['evaluation-windows']} other windows are scored, as in the papers. (With 64, cells of tiny-opt, whose windows are short, moved by more than their differences.)`,
    '',
    ...head, ...rows.map(lineOf), '', ...summary, '',
  ];
  writeFileSync(options.write, page.join('\n'));
}
