import { parsePipeline } from '../../../app/config/index.js';
import type { Pipeline } from '../../../app/config/pipeline.js';

/** A pipeline of the size in the paper: 128 windows of 2,048 tokens. Its model need not exist. */
export function pipelineOf(overrides: string[] = []): Pipeline {
  const text = `
version: 1
name: large
model: { source: /models/large }
stages:
  - calibration: { dataset: { name: c4 }, samples: 128, sequenceLength: 2048 }
  - initialMask: { method: magnitude, sparsity: 0.5 }
  - rebuild: { strategy: published, ratio: 0.1 }
  - evaluation: { states: [dense, rebuilt], perplexity: [{ dataset: { name: wikitext2 }, maxWindows: 64 }] }
`;
  return parsePipeline({ text, path: '/pipelines/large.yaml', overrides }).pipeline;
}
