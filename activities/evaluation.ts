import { ArtifactStore, type Json } from '../files/artifacts/index.js';
import { tf } from '../science/engine/index.js';
import { perplexity, tokenLosses } from '../science/evaluation/index.js';
import { dropOlder } from './drop-older.js';
import { NonFiniteValueError } from './errors.js';
import { numericsOf, numericsVersion } from './numerics.js';
import { readTokens } from './tokens.js';
import type { PerplexityInput, PerplexityResult, ScorePerplexityInput } from './types.js';
import { disposeWeights } from './weights.js';
import type { Workbench } from './workbench.js';

/** Everything that determines a perplexity. */
export function perplexityDependsOn({ context, path }: PerplexityInput): Json {
  return {
    ...numericsOf(context),
    version: numericsVersion.perplexity,
    model: context.model.digest,
    tokens: path.tokens.key,
    masks: path.masks,
  };
}

type Score = Pick<PerplexityResult, 'perplexity' | 'scored'>;
/** The manifest's summary. `spent` is absent in artifacts of earlier versions. */
type Summary = Score & Pick<ScorePerplexityInput, 'spent'>;

/**
 * Returns the perplexity of a path through all layers if the store has it; then no layer needs to run. Its seconds are those of
 * computing it, including the forwards through the layers.
 */
export async function findPerplexity(input: PerplexityInput, bench: Workbench): Promise<PerplexityResult | null> {
  const key = ArtifactStore.key('perplexity', perplexityDependsOn(input));
  await dropOlder(input.context, bench.store, 'perplexity', key);
  const manifest = await bench.store.find('perplexity', key);
  if (manifest === undefined) return null;
  const { spent = 0, ...score } = manifest.summary as Summary;
  return { ...score, seconds: spent + manifest.seconds, reused: true };
}

/** Computes perplexity = exp(mean negative log-likelihood) from the hidden states after the last layer. */
export async function scorePerplexity(input: ScorePerplexityInput, bench: Workbench): Promise<PerplexityResult> {
  const { context, path, spent } = input;
  await bench.engineOf(context);
  const { manifest, reused } = await bench.store.findOrMake('perplexity', perplexityDependsOn(input), async () => {
    bench.onProgress('scoring');
    const open = await bench.model(context.model);
    const hidden = await bench.hidden.take(context, path);
    const ids = await readTokens(bench.store, path.tokens);
    const weights = await bench.weights(open, open.model.headTensors);
    let sum = 0;
    let scored = 0;
    let first = 0;
    for (const batch of hidden) {
      const [count, time] = batch.shape;
      const labels = tf.tensor2d(ids.subarray(first * time, (first + count) * time), [count, time], 'int32');
      for (const loss of tokenLosses(open.model, weights, batch, labels)) sum += loss;
      tf.dispose([batch, labels]);
      first += count;
      scored += count * (time - 1);
    }
    disposeWeights(weights);
    if (!Number.isFinite(sum)) throw new NonFiniteValueError(`perplexity of ${context.model.source}`, sum);
    return { perplexity: perplexity(sum, scored), scored, ...(spent !== undefined && { spent }) };
  });
  await bench.hidden.end(context, path);
  const { perplexity: found, scored } = manifest.summary as Summary;
  return { perplexity: found, scored, seconds: manifest.seconds, reused };
}
