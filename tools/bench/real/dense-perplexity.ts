import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { advanceLayer } from '../../../activities/advance-layer.js';
import { scorePerplexity } from '../../../activities/evaluation.js';
import { prepareRun } from '../../../activities/prepare-run.js';
import { sampleEvaluation } from '../../../activities/sample-tokens.js';
import { Workbench } from '../../../activities/workbench.js';
import { parsePipeline } from '../../../app/config/index.js';
import type { EvaluationStage } from '../../../app/config/pipeline.js';
import { ArtifactStore } from '../../../files/artifacts/index.js';
import { loadTokenizer } from '../../../files/datasets/index.js';

/** The perplexity of a model in transformers (tools/real/expected_perplexity.py). */
export interface ExpectedPerplexity {
  /** Names of the model's folder and of the text's file. */
  model: string;
  text: string;
  /** Number of tokens of the whole text. */
  tokens: number;
  windows: number;
  sequenceLength: number;
  perplexity: number;
  transformers: string;
}

export interface DensePerplexity {
  /** Folder. */
  model: string;
  /** File. */
  text: string;
  windows: number;
  sequenceLength: number;
  /** Folder for hidden states. */
  state: string;
}

/** Returns the perplexity of the first windows of a text, and the number of tokens of the whole text. */
export async function densePerplexity({ model, text, windows, sequenceLength, state }: DensePerplexity): Promise<{ perplexity: number; tokens: number }> {
  const yaml = `
version: 1
name: real
model: { source: ${JSON.stringify(model)} }
stages:
  - evaluation: { states: [dense], perplexity: [{ dataset: { file: ${JSON.stringify(text)} }, sequenceLength: ${sequenceLength}, maxWindows: ${windows} }] }
`;
  const { pipeline } = parsePipeline({ text: yaml, path: join(state, 'real.yaml'), overrides: [] });
  const bench = new Workbench(state, new ArtifactStore(join(state, 'artifacts')));
  const context = await prepareRun({ pipeline }, bench);
  const [task] = (pipeline.stages[0] as EvaluationStage).perplexity;
  const { tokens } = await sampleEvaluation({ context, task }, bench);
  const masks = new Array<null>(context.model.layers).fill(null);
  for (const layer of masks.keys()) await advanceLayer({ context, layer, path: { tokens, masks: masks.slice(0, layer) }, mask: null }, bench);
  const { perplexity } = await scorePerplexity({ context, path: { tokens, masks } }, bench);
  const tokenizer = await loadTokenizer(model);
  return { perplexity, tokens: (await tokenizer.encode(await readFile(text, 'utf8'), { specialTokens: false })).length };
}
