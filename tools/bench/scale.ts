/**
 * Measures the peak memory of a run on a large model. A LLaMA with random bfloat16 weights runs through calibration, Wanda and the published
 * rebuild, while the total proportional memory (PSS) of server, worker and compute process is sampled several times a second. Linux only.
 *
 *   npm run bench -- scale [--folder FOLDER] [--hidden 3200] [--inner 8640] [--heads 32] [--layers 26] [--windows 8] [--length 128]
 *
 * The folder (default: a temporary one) needs space for two copies of the model. An existing model in it is reused.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { packageRoot } from '#setup/paths.mjs';
import { writeSafetensors } from '../../files/checkpoints/index.js';
import { modelSize } from '../../science/cost/index.js';
import { modelFromConfig } from '../../science/models/index.js';
import type { PipelineResult } from '../../workflows/protocol.js';
import { randomTensors, randomWords } from './traffic/random-weights.js';

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: join(tmpdir(), 'bench-scale') },
    hidden: { type: 'string', default: '3200' },
    inner: { type: 'string', default: '8640' },
    heads: { type: 'string', default: '32' },
    layers: { type: 'string', default: '26' },
    windows: { type: 'string', default: '8' },
    length: { type: 'string', default: '128' },
  },
});
const demo = join(packageRoot, 'pipelines', 'demo');
const folder = resolve(values.folder);
const model = join(folder, 'model');
const state = join(folder, 'state');

/** Writes the model, one file per layer, with the demo's tokenizer. */
async function makeModel(): Promise<number> {
  const [hidden_size, intermediate_size, num_attention_heads, num_hidden_layers] = [values.hidden, values.inner, values.heads, values.layers].map(Number);
  const config = {
    ...(JSON.parse(readFileSync(join(demo, 'model', 'config.json'), 'utf8')) as Record<string, unknown>),
    hidden_size, intermediate_size, num_attention_heads, num_key_value_heads: num_attention_heads, num_hidden_layers, max_position_embeddings: 2048, torch_dtype: 'bfloat16',
  };
  const made = modelFromConfig(config, 'config.json');
  const index = join(model, 'model.safetensors.index.json');
  const layers = Array.from({ length: num_hidden_layers }, (_, index) => made.decoderLayer(index));
  const { prunable } = modelSize(made, { bytesPerWeight: 2 });
  if (existsSync(index) && readFileSync(join(model, 'config.json'), 'utf8') === JSON.stringify(config)) return prunable;
  rmSync(model, { recursive: true, force: true });
  cpSync(join(demo, 'model'), model, { recursive: true, filter: (file) => !file.endsWith('.safetensors') });
  writeFileSync(join(model, 'config.json'), JSON.stringify(config));
  const random = randomWords();
  const parts = [[...made.embeddingTensors, ...made.headTensors.filter(({ name }) => !made.embeddingTensors.some((other) => other.name === name))], ...layers.map(({ tensors }) => tensors)];
  const weight_map: Record<string, string> = {};
  for (const [part, specs] of parts.entries()) {
    const file = `model-${part}.safetensors`;
    await writeSafetensors(join(model, file), randomTensors(specs, hidden_size, random));
    for (const { name } of specs) weight_map[name] = file;
  }
  writeFileSync(index, JSON.stringify({ weight_map }));
  return prunable;
}

/** Returns the proportional memory in bytes of every process that works in the state folder (the server) or has it in its command line (all others). */
function memory(): { total: number; parts: string } {
  const found = new Map<string, number>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      if (!words.some((word) => word.includes(state)) && !readlinkSync(`/proc/${pid}/cwd`).startsWith(state)) continue;
      const [, kilobytes = '0'] = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
      const what = words.find((word) => /compute\.js$/.test(word)) ? 'compute' : words.includes('worker') ? 'worker' : words.includes('run') ? 'command' : 'server';
      found.set(what, (found.get(what) ?? 0) + 1024 * Number(kilobytes));
    } catch {
      // The process has ended meanwhile.
    }
  }
  const parts = [...found].map(([what, bytes]) => `${what} ${gib(bytes)}`).join(', ');
  return { total: [...found.values()].reduce((sum, bytes) => sum + bytes, 0), parts };
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

const prunable = await makeModel();
const size = readdirSync(model).reduce((sum, file) => sum + statSync(join(model, file)).size, 0);
console.log(`${folder}: ${(prunable / 1e9).toFixed(2)} billion weights in linears, ${(size / 1e9).toFixed(2)} GB; ${values.windows} windows of ${values.length} tokens`);
mkdirSync(state, { recursive: true });
const pipeline = join(folder, 'pipeline.yaml');
// JSON is YAML.
writeFileSync(pipeline, JSON.stringify({
  version: 1,
  name: 'scale',
  model: { source: model },
  stages: [
    { calibration: { dataset: { file: join(demo, 'calibration.txt') }, samples: Number(values.windows), sequenceLength: Number(values.length) } },
    { initialMask: { method: 'wanda', sparsity: 0.5 } },
    { rebuild: { strategy: 'published' } },
  ],
}));
const program = join(packageRoot, 'app', 'cli', 'bin', 'temporal-pipeline.mjs');
const child = spawn(process.execPath, [program, 'run', pipeline, '--state', state, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
let output = '';
child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
const ended = new Promise<number | null>((done) => child.once('close', done));
let isRunning = true;
void ended.then(() => (isRunning = false));
let peak = { total: 0, parts: '' };
while (isRunning) {
  const now = memory();
  if (now.total > peak.total) peak = now;
  await sleep(200);
}
const code = await ended;
if (code !== 0) throw new Error(`the run ended with ${code}; its logs are in ${join(state, 'logs')}`);
rmSync(state, { recursive: true, force: true });
const { seconds, planned } = JSON.parse(output) as PipelineResult;
console.log(`peak memory of all processes: ${gib(peak.total)} (${peak.parts})`);
for (const stage of ['initialMask', 'rebuild'] as const) {
  console.log(`${stage}: ${(seconds?.[stage] ?? 0).toFixed(0)} s; planned ${(planned?.[stage]?.seconds ?? 0).toFixed(0)} s and ${gib(planned?.[stage]?.bytes ?? 0)} for the compute process`);
}
