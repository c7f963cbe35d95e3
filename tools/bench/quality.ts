/**
 * Measures methods on models, and appends one line per cell to a results file. A cell that is already there is not measured again,
 * so a long measurement can be stopped and continued at any time. `quality-table.js` turns the file into a Markdown table.
 *
 * usage: node dist/tools/bench/quality.js --results FILE [--models A,B] [--methods wanda,refit,sparsegpt+guarded] [--patterns 50,2:4]
 *   [--seeds 0,1] [--smol DIR] [--data DIR] [--windows N] [--length N] [--sampling random] [--eval-windows N] [--questions N]
 *   [--tasks boolq,rte] [--code LABEL] [--list]
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openEngine } from '../../science/engine/index.js';
import { PatternError } from '../../science/methods/index.js';
import { gapClosed } from '../../workflows/gap-closed.js';
import { BenchModel } from './quality/bench-model.js';
import { denseKeyOf, keyOf, type Cell, type Measured, type ResultLine, type Scores } from './quality/cell.js';
import { codeLabel } from './quality/code-label.js';
import { measureCell, measureDense } from './quality/measure.js';
import { modelNames, planOf, smolName, type ModelPlan } from './quality/models.js';
import { defaultMethods, recipeOf } from './quality/recipe.js';
import { Results } from './quality/results.js';

const { values: options } = parseArgs({
  options: {
    'results': { type: 'string' },
    'data': { type: 'string', default: '../shared/data' },
    'smol': { type: 'string' },
    'models': { type: 'string' },
    'methods': { type: 'string', default: defaultMethods.join() },
    'patterns': { type: 'string', default: '50,60,70,2:4,4:8' },
    'seeds': { type: 'string', default: '0' },
    'windows': { type: 'string' },
    'length': { type: 'string' },
    'sampling': { type: 'string' },
    'eval-windows': { type: 'string' },
    'questions': { type: 'string' },
    // The tasks of the LLM-Barber paper whose documents are in the shared data, and one more.
    'tasks': { type: 'string', default: 'boolq,rte,winogrande,arc_easy,arc_challenge,openbookqa,piqa' },
    'code': { type: 'string' },
    'list': { type: 'boolean', default: false },
  },
});
if (options.results === undefined) throw new Error('give a file for the results: --results FILE');

/** Reads an option that must be a whole number above 0. */
const count = (name: 'windows' | 'length' | 'eval-windows' | 'questions'): number | undefined => {
  const text = options[name];
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${name} ${text}: expected a whole number above 0`);
  return Number(text);
};

function samplingOf(text: string | undefined): 'sequential' | 'random' | undefined {
  if (text === undefined || text === 'sequential' || text === 'random') return text;
  throw new Error(`--sampling ${text}: expected sequential or random`);
}

const plan = (model: string, seed: number): ModelPlan => planOf(model, {
  data: options.data, smol: options.smol, seed, samples: count('windows'), length: count('length'),
  sampling: samplingOf(options.sampling), evaluationWindows: count('eval-windows'),
});

/** Returns what a model is judged by. It is the same for all methods. */
function judgedBy(model: string): Pick<Cell, 'model' | 'evaluations' | 'questions'> {
  const documents = count('questions');
  return { model, evaluations: plan(model, 0).evaluations, ...(documents !== undefined && { questions: { tasks: options.tasks.split(','), documents } }) };
}

/** Returns all requested cells once, in the order in which they are measured. The dense model is always measured, and is not a cell. */
function cellsOf(model: string, code: string): Cell[] {
  const methods = options.methods.split(',').filter((method) => method !== 'dense');
  const cells = options.seeds.split(',').flatMap((seed) => options.patterns.split(',').flatMap((pattern) =>
    methods.map((method): Cell => ({ ...judgedBy(model), calibration: plan(model, Number(seed)).calibration, pattern, method, recipe: recipeOf(method), code }))));
  return [...new Map(cells.map((cell) => [keyOf(cell), cell])).values()];
}

const scoresText = (scores: Scores): string => [
  ...Object.entries(scores.perplexity).map(([name, value]) => `${name} ${value.toFixed(3)}`),
  ...(scores.accuracy === undefined ? [] : [`accuracy ${scores.accuracy.toFixed(4)}`]),
].join(', ');

function cellText({ perplexity, seconds, forwards, peakBytes, ...scores }: Measured, dense: Scores, wanda: Scores | undefined): string {
  const closed = Object.entries(perplexity).map(([name, value]) => gapClosed(dense.perplexity[name], wanda?.perplexity[name], value));
  return [
    scoresText({ perplexity, ...scores }),
    ...(closed.includes(undefined) ? [] : [`closed ${closed.map((share) => `${(100 * (share ?? 0)).toFixed(1)} %`).join(', ')}`]),
    `${seconds.initial.toFixed(1)} + ${seconds.rebuild.toFixed(1)} s`,
    ...(forwards === undefined ? [] : [`${forwards.toFixed(1)} forwards`]),
    `${(peakBytes / 2 ** 30).toFixed(2)} GiB`,
  ].join('; ');
}

const showProgress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
};

const code = options.code ?? codeLabel(process.cwd());
const models = options.models?.split(',') ?? modelNames.filter((name) => name !== smolName || options.smol !== undefined);
const results = new Results(resolve(options.results));
const tables = models.map((model) => ({ model, cells: cellsOf(model, code) }));
const left = tables.flatMap(({ cells }) => cells).filter((cell) => results.find(keyOf(cell)) === undefined).length;
console.log(`${tables.reduce((sum, { cells }) => sum + cells.length, 0)} cells of code ${code}, ${left} to measure`);
if (!options.list) await measureAll();

async function measureAll(): Promise<void> {
  const engine = await openEngine({ backend: 'auto' });
  const engineName = `${engine.backend} on ${engine.device}, ${engine.threads} threads`;
  for (const { model, cells } of tables) {
    const bench = await BenchModel.open(plan(model, 0).folder, `${options.data}/text`);
    const judged = judgedBy(model);
    const progress = (label: string) => ({ data: options.data, onProgress: (detail: string) => { showProgress(`${model}, ${label}, ${detail} `); } });

    const denseKey = denseKeyOf(judged);
    if (results.find(denseKey) === undefined) {
      const measured = await measureDense(bench, judged, progress('dense'));
      results.add({ key: denseKey, ...judged, pattern: 'dense', method: 'dense', engine: engineName, measured });
    }
    const dense = results.find(denseKey)?.measured as Scores;
    console.log(`${model}, dense: ${scoresText(dense)}`);

    for (const cell of cells) {
      const { calibration, pattern, method } = cell;
      const label = `${pattern}, ${method}, ${calibration.samples} windows of ${calibration.length}, seed ${calibration.seed}`;
      const key = keyOf(cell);
      const add = (outcome: Pick<ResultLine, 'measured' | 'impossible'>): void => { results.add({ key, ...cell, engine: engineName, ...outcome }); };
      if (results.find(key) !== undefined) continue;
      try {
        const measured = await measureCell(bench, cell, progress(label));
        add({ measured });
        const wanda = results.find(keyOf({ ...cell, recipe: recipeOf('wanda') }))?.measured;
        console.log(`${model}, ${label}: ${cellText(measured, dense, wanda)}`);
      } catch (error) {
        if (!(error instanceof PatternError)) throw error;
        add({ impossible: error.message });
        console.log(`${model}, ${label}: ${error.message}`);
      }
    }
  }
}
