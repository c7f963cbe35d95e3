/**
 * Compares the published rebuild with the authors' code (YupengSu/LLM-Barber at 6f5ca4e), in turn on this machine: seconds of the initial
 * mask and the rebuild, and perplexities. Needs a checkout of their code, a Python environment for it, and the folder of scripts that run
 * it. None of these is part of this project. Nothing else should run on the machine.
 *
 *   npm run bench -- reference --python PYTHON --checkout FOLDER --scripts FOLDER
 *     [--model FOLDER]        a LLaMA; a random one with 4 layers of 512/1376 unless given
 *     [--data ../shared/data] its texts and, for the tokenizer of the random model, models/stories260K
 *     [--calibration tiny.utf8] [--evaluation tiny.utf8]   texts by name
 *     [--windows 16] [--length 512] [--times 2] [--runs magnitude-50-block,...]
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { packageRoot } from '#setup/paths.mjs';
import type { PipelineResult } from '../../workflows/protocol.js';
import { formatNumber, markdownTable } from '../../app/report/index.js';

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    checkout: { type: 'string' },
    scripts: { type: 'string' },
    model: { type: 'string' },
    data: { type: 'string', default: '../shared/data' },
    calibration: { type: 'string', default: 'tiny.utf8' },
    evaluation: { type: 'string', default: 'tiny.utf8' },
    windows: { type: 'string', default: '16' },
    length: { type: 'string', default: '512' },
    times: { type: 'string', default: '2' },
    runs: { type: 'string', default: 'magnitude-50-block,wanda-50-output1,sparsegpt-50-layer,magnitude-2of4' },
  },
});
const { python, checkout, scripts } = values;
if (python === undefined || checkout === undefined || scripts === undefined) throw new Error('give Python, the authors\' code and the scripts: --python PYTHON --checkout FOLDER --scripts FOLDER');
const [windows, length, times] = [values.windows, values.length, values.times].map(Number);

/** The stages that correspond to each run of the authors' code. */
const stagesOf: Record<string, { initialMask: object; rebuild: object }> = {
  'magnitude-50-block': { initialMask: { method: 'magnitude', sparsity: 0.5 }, rebuild: { granularity: 'block', ratio: 0.1 } },
  'wanda-50-output1': { initialMask: { method: 'wanda', sparsity: 0.5 }, rebuild: { granularity: 'output', ratio: 0.01 } },
  'wanda-50-block': { initialMask: { method: 'wanda', sparsity: 0.5 }, rebuild: { granularity: 'block', ratio: 0.1 } },
  'sparsegpt-50-layer': { initialMask: { method: 'sparsegpt', sparsity: 0.5 }, rebuild: { granularity: 'layer', ratio: 0.1, weights: 'keep-dense' } },
  'magnitude-2of4': { initialMask: { method: 'magnitude', pattern: '2:4' }, rebuild: { granularity: 'output', ratio: 0.1 } },
  'wanda-2of4': { initialMask: { method: 'wanda', pattern: '2:4' }, rebuild: { granularity: 'output', ratio: 0.01 } },
};
const runs = values.runs.split(',');
const unknown = runs.find((run) => !(run in stagesOf));
if (unknown !== undefined) throw new Error(`--runs: ${unknown} is not a run; expected some of ${Object.keys(stagesOf).join(', ')}`);

interface Measured {
  maskSeconds: number;
  rebuildSeconds: number;
  initial: number;
  rebuilt: number;
}

const folder = await mkdtemp(join(tmpdir(), 'bench-reference-'));
const call = promisify(execFile);
const text = (name: string): string => resolve(values.data, 'text', name);

/** Returns the wall-clock seconds of a stage, with proof, artifacts and waits, but without the checkpoint, which their code does not write. */
function secondsOf({ timeline }: PipelineResult, stage: 'initialMask' | 'rebuild'): number {
  const units = (timeline?.units ?? []).filter((unit) => unit.stage === stage && !unit.what.endsWith('checkpoint'));
  return Math.max(...units.map(({ ended }) => ended)) - Math.min(...units.map(({ asked }) => asked));
}

async function ours(run: string, model: string): Promise<Measured & { products: number }> {
  const { initialMask, rebuild } = stagesOf[run];
  const sameText = values.evaluation === values.calibration;
  const pipeline = {
    version: 1,
    name: 'beside-the-reference',
    model: { source: model },
    stages: [
      { calibration: { dataset: { file: text(values.calibration) }, samples: windows, sequenceLength: length } },
      { initialMask },
      { rebuild: { strategy: 'published', ...rebuild } },
      { evaluation: { states: ['initial', 'rebuilt'], perplexity: [{ dataset: { file: text(values.evaluation) }, sequenceLength: length, maxWindows: 64, ...(sameText && { skipTokens: windows * length }) }] } },
    ],
  };
  const file = join(folder, 'pipeline.yaml');
  const state = join(folder, 'state');
  // JSON is YAML.
  await writeFile(file, JSON.stringify(pipeline));
  const program = join(packageRoot, 'app', 'cli', 'bin', 'temporal-pipeline.mjs');
  const { stdout } = await call(process.execPath, [program, 'run', file, '--state', state, '--json'], { maxBuffer: 2 ** 28 });
  await rm(state, { recursive: true });
  const result = JSON.parse(stdout) as PipelineResult;
  const perplexity = (of: 'initial' | 'rebuilt'): number => Object.values(result.perplexity[of] ?? {})[0];
  const [maskSeconds, rebuildSeconds] = [secondsOf(result, 'initialMask'), secondsOf(result, 'rebuild')];
  const products = (result.costs?.initialMask?.seconds.products ?? 0) + (result.costs?.rebuild?.seconds.products ?? 0);
  return { maskSeconds, rebuildSeconds, initial: perplexity('initial'), rebuilt: perplexity('rebuilt'), products };
}

async function theirs(run: string, model: string): Promise<Measured> {
  const out = join(folder, 'reference');
  const words = [join(String(scripts), 'reference_run.py'), String(checkout), model, text(values.calibration), text(values.evaluation), out, values.length, values.windows, run];
  await call(String(python), words, { env: { ...process.env, NO_MASKS: '1' }, maxBuffer: 2 ** 28 });
  const { runs: found } = JSON.parse(await readFile(join(out, 'reference.json'), 'utf8')) as { runs: Record<string, Record<'init_seconds' | 'rebuild_seconds' | 'init_ppl' | 'rebuild_ppl', number> & { error?: string }> };
  const { error, init_seconds: maskSeconds, rebuild_seconds: rebuildSeconds, init_ppl: initial, rebuild_ppl: rebuilt } = found[run];
  if (error !== undefined) throw new Error(`the reference failed at ${run}: ${error}`);
  return { maskSeconds, rebuildSeconds, initial, rebuilt };
}

/** Returns the measurement with the fewest seconds. */
const quickest = <M extends Measured>(found: readonly M[]): M => found.reduce((best, one) => (total(one) < total(best) ? one : best));
const total = ({ maskSeconds, rebuildSeconds }: Measured): number => maskSeconds + rebuildSeconds;
const seconds = ({ maskSeconds, rebuildSeconds }: Measured): string => `${maskSeconds.toFixed(1)} + ${rebuildSeconds.toFixed(1)}`;

try {
  let { model } = values;
  if (model === undefined) {
    model = join(folder, 'bench512');
    await call(python, [join(scripts, 'make_bench_llama.py'), model, '512', '1376', '4', '8', resolve(values.data, 'models', 'stories260K')]);
  }
  const rows = [['run', 'ours, s', 'reference, s', 'ratio', 'ours in products', 'ours, perplexity', 'reference, perplexity']];
  for (const run of runs) {
    const [own, reference]: [Awaited<ReturnType<typeof ours>>[], Measured[]] = [[], []];
    for (let time = 0; time < times; time++) {
      own.push(await ours(run, resolve(model)));
      reference.push(await theirs(run, resolve(model)));
      console.error(`${run}: ours ${seconds(own[time])} s, reference ${seconds(reference[time])} s`);
    }
    const [us, them] = [quickest(own), quickest(reference)];
    rows.push([
      run, seconds(us), seconds(them), (total(us) / total(them)).toFixed(2), `${((100 * us.products) / total(us)).toFixed(0)} %`,
      `${formatNumber(us.initial)} -> ${formatNumber(us.rebuilt)}`, `${formatNumber(them.initial)} -> ${formatNumber(them.rebuilt)}`,
    ]);
  }
  console.log(`${basename(model)}, ${windows} windows of ${length}; the quickest of ${times}, mask + rebuild; perplexities of at most 64 windows of ${values.evaluation}\n`);
  console.log(markdownTable(rows));
} finally {
  await rm(folder, { recursive: true, force: true });
}
