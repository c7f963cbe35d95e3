import { ArtifactStore, type Json } from '../../files/artifacts/index.js';
import { tf } from '../../science/engine/index.js';
import { logLikelihoods } from '../../science/evaluation/index.js';
import { disposeConstants } from '../../science/models/index.js';
import { dropOlder } from '../drop-older.js';
import { numericsOf, numericsVersion } from '../numerics.js';
import type { ArtifactKey, PerplexityInput, QuestionsPart, RunContext, UnitResult } from '../types.js';
import type { FindLikelihoodsInput } from './types.js';
import { disposeWeights } from '../weights.js';
import type { Workbench } from '../workbench.js';
import { readScoredTokens } from './question-batches.js';

const file = 'likelihoods.json';

/** For each answer that the part scores, the number of its request and the sum over its tokens, in nats. */
interface Likelihoods {
  requests: number[];
  values: number[];
}

/** Everything that determines log-likelihoods. The key of the questions covers their batches; `sequencesPerBatch` does not matter. */
export function likelihoodsDependOn(context: RunContext, { key, part }: QuestionsPart, masks: (ArtifactKey | null)[]): Json {
  const { engine, forward } = numericsOf(context);
  return { engine, forward, version: numericsVersion.likelihoods, model: context.model.digest, questions: key, part, masks };
}

/** Returns for each part whether the store has its log-likelihoods; if so, no layer needs to run for it. */
export async function findLikelihoods({ context, parts, masks }: FindLikelihoodsInput, bench: Workbench): Promise<boolean[]> {
  const known: boolean[] = [];
  for (const part of parts) {
    const key = ArtifactStore.key('likelihoods', likelihoodsDependOn(context, part, masks));
    await dropOlder(context, bench.store, 'likelihoods', key);
    known.push((await bench.store.find('likelihoods', key)) !== undefined);
  }
  return known;
}

/** Scores the answers of all questions of a path from the hidden states after the last layer. */
export async function scoreLikelihoods({ context, path }: PerplexityInput, bench: Workbench): Promise<UnitResult> {
  await bench.engineOf(context);
  const started = performance.now();
  bench.onProgress('scoring');
  try {
    const reused = await scoreMissing({ context, path }, bench);
    await bench.hidden.end(context, path);
    return { seconds: (performance.now() - started) / 1000, reused };
  } finally {
    // Questions have many lengths, and each length has its own tables.
    disposeConstants();
  }
}

/** @returns whether nothing was missing */
async function scoreMissing({ context, path }: PerplexityInput, bench: Workbench): Promise<boolean> {
  const { questions = [] } = path.tokens;
  const missing = (await findLikelihoods({ context, parts: questions, masks: path.masks }, bench)).some((known) => !known);
  if (!missing) return true;
  const open = await bench.model(context.model);
  const hidden = await bench.hidden.take(context, path);
  const weights = await bench.weights(open, open.model.headTensors);
  let next = 0;
  for (const part of questions) {
    const sums = new Map<number, number>();
    for (const scored of await readScoredTokens(bench.store, part)) {
      const h = hidden[next++];
      logLikelihoods(open.model, weights, h, scored).forEach((value, i) => sums.set(scored[i].request, (sums.get(scored[i].request) ?? 0) + value));
    }
    const likelihoods: Likelihoods = { requests: [...sums.keys()], values: [...sums.values()] };
    await bench.store.findOrMake('likelihoods', likelihoodsDependOn(context, part, path.masks), async (draft) => {
      await draft.write(file, [Buffer.from(JSON.stringify(likelihoods))]);
      return { requests: sums.size };
    });
  }
  tf.dispose(hidden);
  disposeWeights(weights);
  return false;
}

/** Returns the log-likelihoods of all answers of a task, by request. @throws ArtifactLostError if those of a part are gone or damaged */
export async function readLikelihoods(context: RunContext, parts: readonly QuestionsPart[], masks: (ArtifactKey | null)[], bench: Workbench): Promise<number[]> {
  const found: number[] = [];
  for (const part of parts) {
    const key = ArtifactStore.key('likelihoods', likelihoodsDependOn(context, part, masks));
    const { requests, values } = JSON.parse(Buffer.from(await bench.store.read('likelihoods', key, file)).toString()) as Likelihoods;
    requests.forEach((request, i) => (found[request] = values[i]));
  }
  return found;
}
