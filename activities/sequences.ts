import type { ArtifactStore } from '../files/artifacts/index.js';
import { disposeLayout, sequenceLayout, type SequenceLayout } from '../science/models/index.js';
import { readTokens } from './tokens.js';
import type { TokensRef } from './types.js';
import { readQuestionSequences } from './zero-shot/question-batches.js';

/** Token ids that go through a layer together. */
export interface Sequences {
  /** `[count, time]` */
  ids: Int32Array;
  count: number;
  time: number;
  /** `[count, time]`, if several answers share a context (science/evaluation/batches.ts). */
  tails?: Int32Array;
}

/** Returns the batches of windows or of zero-shot questions. @throws ArtifactLostError */
export async function readSequences(store: ArtifactStore, tokens: TokensRef, perBatch: number): Promise<Sequences[]> {
  const { questions, samples, sequenceLength: time } = tokens;
  if (questions !== undefined) return (await Promise.all(questions.map((part) => readQuestionSequences(store, part)))).flat();
  const ids = await readTokens(store, tokens);
  return Array.from({ length: Math.ceil(samples / perBatch) }, (_, batch) => {
    const first = batch * perBatch;
    const count = Math.min(perBatch, samples - first);
    return { ids: ids.subarray(first * time, (first + count) * time), count, time };
  });
}

/** Passes the layouts of the batches to `use`, and frees them afterwards. Only zero-shot questions have layouts. */
export async function withLayouts<T>(store: ArtifactStore, tokens: TokensRef, use: (layouts: { layouts?: SequenceLayout[] }) => Promise<T>): Promise<T> {
  if (tokens.questions === undefined) return use({});
  const batches = await readSequences(store, tokens, tokens.samples);
  const layouts = batches.map(({ tails, count, time }) => sequenceLayout(tails, [count, time]));
  try {
    return await use({ layouts });
  } finally {
    layouts.forEach(disposeLayout);
  }
}
