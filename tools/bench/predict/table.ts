import { parsePipeline } from '../../../app/config/index.js';
import { assumedMachine, deviceMachine, devices, makePlan, sequencesPerBatch, type DeviceName, type Plan } from '../../../app/planning/index.js';
import { modelSize } from '../../../science/cost/index.js';
import type { Precision } from '../../../science/engine/precision.js';
import { modelFromConfig } from '../../../science/models/index.js';

/** The sizes of Touvron et al. 2023 (LLaMA) and 2023b (Llama 2). */
const models = {
  'LLaMA-7B': { hidden_size: 4096, intermediate_size: 11008, num_hidden_layers: 32, num_attention_heads: 32, num_key_value_heads: 32 },
  'LLaMA-13B': { hidden_size: 5120, intermediate_size: 13824, num_hidden_layers: 40, num_attention_heads: 40, num_key_value_heads: 40 },
  'Llama-2-70B': { hidden_size: 8192, intermediate_size: 28672, num_hidden_layers: 80, num_attention_heads: 64, num_key_value_heads: 8 },
};
type ModelName = keyof typeof models;

const rebuilds = {
  published: 'strategy: published',
  'guarded, refit': 'strategy: guarded, weights: refit',
};
type RebuildName = keyof typeof rebuilds;

const order = ['a100', 'h100', 'h200', 'l40s'] as const satisfies readonly DeviceName[];

const text = (rebuild: string): string => `
version: 1
name: predicted
model: { source: /models/predicted }
stages:
  - calibration: { dataset: { name: c4 }, samples: 128, sequenceLength: 2048 }
  - initialMask: { method: wanda, sparsity: 0.5 }
  - rebuild: { ${rebuild} }
  - evaluation: { states: [rebuilt], perplexity: [{ dataset: { name: wikitext2 }, sequenceLength: 2048 }] }
`;

/** Returns the plan of a model and a rebuild on a device. The device's speeds follow from its published peaks; everything else is assumed. */
export function predictedPlan(modelName: ModelName, rebuild: RebuildName, precision: Precision, device: DeviceName): Plan {
  const { pipeline } = parsePipeline({ text: text(rebuilds[rebuild]), path: '/pipelines/predicted.yaml', overrides: [] });
  const config = { model_type: 'llama', vocab_size: 32000, max_position_embeddings: 2048, rms_norm_eps: 1e-6, hidden_act: 'silu', tie_word_embeddings: false, torch_dtype: 'float16', ...models[modelName] };
  const model = modelFromConfig(config, 'config.json');
  const host = assumedMachine({ backend: 'tensorflow', version: 'assumed', device: 'cpu', threads: 16 });
  return makePlan({ pipeline, size: modelSize(model, { bytesPerWeight: 2 }), perBatch: sequencesPerBatch(pipeline, model), machine: deviceMachine(devices[device], host, precision), measurements: [] });
}

const cases = Object.keys(models).flatMap((model) =>
  Object.keys(rebuilds).flatMap((rebuild) => (['float32', 'tf32'] as const).map((precision) => [model, rebuild, precision] as [ModelName, RebuildName, Precision])));
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const minutes = (seconds: number): string => (seconds / 60).toFixed(1);
const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(0);

/** Returns two tables: minutes of whole runs by device, and minutes by stage on one device. */
export function predictionTable(): string {
  const totals = cases.map(([...of]) => {
    const plans = order.map((device) => predictedPlan(...of, device));
    return row([...of, ...plans.map(({ total }) => minutes(total.seconds)), gigabytes(plans[0].total.tensors), gigabytes(plans[0].total.host)]);
  });
  const [, h100] = order;
  const types = predictedPlan(...cases[0], h100).stages.map(({ type }) => type);
  const parts = cases.map(([...of]) => row([...of, ...predictedPlan(...of, h100).stages.map(({ seconds }) => minutes(seconds))]));
  return [
    'Minutes of a whole run, and the largest memory in GB:', '',
    row(['model', 'rebuild', 'precision', ...order.map((device) => devices[device].name), 'on the GPU', 'on the host']),
    row(['---', '---', '---', ...order.map(() => '--:'), '--:', '--:']), ...totals, '',
    `Minutes by stage, ${devices[h100].name}:`, '',
    row(['model', 'rebuild', 'precision', ...types]), row(['---', '---', '---', ...types.map(() => '--:')]), ...parts,
  ].join('\n');
}
