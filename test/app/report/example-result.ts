import { parsePipeline } from '../../../app/config/index.js';
import type { PipelineResult } from '../../../workflows/protocol.js';

/** A pipeline with every kind of stage, and with settings that differ from the defaults. */
export const { pipeline: examplePipeline, digest: exampleDigest } = parsePipeline({
  path: '/data/example.yaml',
  text: `
version: 1
name: example
model: { source: ./model }
engine: { backend: wasm }
stages:
  - calibration: { dataset: { file: ./a.jsonl, field: story }, samples: 4, sequenceLength: 64, sampling: random, seed: 7 }
  - initialMask: { method: wanda, pattern: "2:4" }
  - rebuild: { granularity: output, ratio: 0.25, metric: gradient }
  - evaluation: { perplexity: [{ dataset: { file: ./held|out.txt }, skipTokens: 100, maxWindows: 9 }, { dataset: { name: ptb } }] }
`,
});

export const exampleResult: PipelineResult = {
  name: 'example',
  configDigest: exampleDigest,
  engine: { backend: 'tensorflow', version: 'tfjs 4.22.0, TensorFlow 2.21.0', device: 'cpu', threads: 2 },
  model: { source: '/data/model', family: 'llama', digest: 'd'.repeat(64), layers: 2, parameters: 1_234_567, prunable: 1_000_000 },
  checkpoint: '/state/runs/example/checkpoint',
  mask: '/state/runs/example/mask.safetensors',
  proof: '/state/runs/example/proof.json',
  report: '/state/runs/example/report.md',
  pattern: '2:4',
  sparsity: { target: 0.5, actual: 0.499999 },
  perplexity: { dense: { 'held|out.txt': 2.82, ptb: 10 }, initial: { 'held|out.txt': 9.41, ptb: 9 }, rebuilt: { 'held|out.txt': 6.32, ptb: 9.5 } },
  initialMask: { layers: [0.5, 0.5], linears: [] },
  rebuild: {
    grown: 12345,
    pruned: 12345,
    layers: [
      { layer: 0, block: 'attention', errorBefore: 0.02, errorAfter: 0.015, grown: 45, pruned: 45 },
      { layer: 0, block: 'mlp', errorBefore: 3.2e-7, errorAfter: 4e-7, grown: 12300, pruned: 12300 },
    ],
  },
  seconds: { calibration: 0.1, initialMask: 1.25, rebuild: 75.5, evaluation: 3.15, total: 80 },
  reused: 3,
};
