import { ArtifactLostError, ArtifactStore, type Json } from '../files/artifacts/index.js';
import { tf, type Tensor, type Tensor3D } from '../science/engine/index.js';
import type { Allocation } from '../app/config/pipeline.js';
import { linearKind, linearsOf, type DecoderLayer, type LinearSpec } from '../science/models/index.js';
import { allocate, allocationMethodOf, InputNorms, layerForward, PruningInputError, TokenCounts, type AllocationMethod, type LinearScore, type ScoredLinear } from '../science/methods/index.js';
import { dropOlder } from './drop-older.js';
import { isLast } from './hidden-paths.js';
import { numericsOf } from './numerics.js';
import { batchesFile, bytesOf, checkFinite, describeBatches, readBatches } from './tensor-batches.js';
import { readTokens } from './tokens.js';
import type { Path, RunContext, ScoreLayerInput, ScoresFound, ScoresInput, TokensRef, UnitResult } from './types.js';
import { disposeWeights } from './weights.js';
import type { OpenModel, Workbench } from './workbench.js';

type Method = Allocation['method'];
type Of<Needs extends AllocationMethod['needs']> = Extract<AllocationMethod, { needs: Needs }>;
type Scores = Record<string, number>;

/** Everything that determines the scores of a dense layer's linears and the gradient before the layer. */
export function scoresDependOn(context: RunContext, method: Method, tokens: TokensRef, layer: number): Json {
  return { ...numericsOf(context), ...context.experts, version: allocationMethodOf(method).version, model: context.model.digest, method, tokens: tokens.key, layer };
}

/** The calibration path up to a layer of the dense model. */
function densePath(tokens: TokensRef, layer: number): Path {
  return { tokens, masks: new Array<null>(layer).fill(null) };
}

/** Returns what a method must run to get its scores, and whether the scores are in the store already. */
export async function findScores({ context, method, tokens }: ScoresInput, bench: Workbench): Promise<ScoresFound> {
  const { needs } = allocationMethodOf(method);
  if (needs === 'nothing' || tokens === undefined) return { needs, known: needs === 'nothing' };
  let known = true;
  for (let layer = 0; layer < context.model.layers; layer++) {
    for (const kind of ['scores', 'gradient'] as const) await dropOlder(context, bench.store, kind, ArtifactStore.key(kind, scoresDependOn(context, method, tokens, layer)));
    known &&= (await bench.store.find('scores', ArtifactStore.key('scores', scoresDependOn(context, method, tokens, layer)))) !== undefined;
  }
  return { needs, known };
}

/**
 * Scores the linears of one layer of the dense model. The larger a score, the more weights of the linear are kept.
 * A method that needs the layer's inputs goes from the first layer to the last. A method that needs the gradient of the loss
 * after the layer goes from the last to the first, and needs the hidden states of all layers, which `advanceLayer` has kept.
 * @throws ArtifactLostError if the gradient is gone; the scores that were made together with it are then dropped, so that both are recomputed
 */
export async function scoreLayer(input: ScoreLayerInput, bench: Workbench): Promise<UnitResult> {
  const { context, method: name, tokens, layer: index } = input;
  await bench.engineOf(context);
  bench.onProgress(`scoring, layer ${index}`);
  const method = allocationMethodOf(name);
  const { manifest, reused } = await bench.store.findOrMake('scores', scoresDependOn(context, name, tokens, index), async () => {
    const open = await bench.model(context.model);
    const layer = open.model.decoderLayer(index);
    const weights = await bench.layerWeights(open, index);
    try {
      if (method.needs === 'inputs') return await byInputs(method, input, layer, weights, bench);
      return method.needs === 'gradients' ? await byGradients(method, input, open, layer, weights, bench) : {};
    } finally {
      disposeWeights(weights);
    }
  });
  if (method.needs === 'gradients') await bench.hidden.drop(context, densePath(tokens, index));
  else if (isLast(context, index)) await bench.hidden.end(context, densePath(tokens, index));
  if (method.needs === 'gradients') await bench.store.drop('gradient', ArtifactStore.key('gradient', scoresDependOn(context, name, tokens, index + 1)));
  return { seconds: manifest.seconds, reused };
}

/** Runs the layer on its inputs, and scores its weights with them. */
async function byInputs(
  method: Of<'inputs'>,
  { context, tokens, layer: index }: ScoreLayerInput,
  layer: DecoderLayer,
  weights: ReadonlyMap<string, Tensor>,
  bench: Workbench,
): Promise<Scores> {
  const norms = new InputNorms();
  const counts = new TokenCounts(context.experts?.minTokens);
  const { score } = await method.load();
  const hidden = await bench.hidden.take(context, densePath(tokens, index));
  const all = hidden.reduce((sum, { shape: [batch, time] }) => sum + batch * time, 0);
  const forward = (): Promise<Tensor3D[]> => layerForward({ layer, hidden, weights, onInput: norms.add, onSubBlock: counts.add });
  const after = await bench.hidden.forward(densePath(tokens, index), 'without weights', forward);
  if (index + 1 < context.model.layers) await bench.hidden.put(context, densePath(tokens, index + 1), after);
  else tf.dispose(after);
  await bench.hidden.ensureDurable(context, densePath(tokens, index + 1));
  const few = counts.few();
  const scored = linearsOf(layer).filter(({ name }) => !few.has(name));
  const linears: ScoredLinear[] = [];
  for (const { name } of scored) {
    linears.push({ weight: (await weights.get(name)?.data()) as Float32Array, inputNorms: asOfAllTokens(norms.norms(name), counts.of(name) ?? all, all) });
  }
  const scores = score(linears);
  return withoutGaps(layer, Object.fromEntries(scored.map(({ name }, i) => [name, scores[i]])));
}

/** Scales norms over an expert's own tokens to the number of all tokens, so that experts compare with the rest of their layer. */
function asOfAllTokens(norms: Float32Array, own: number, all: number): Float32Array {
  return own === all ? norms : norms.map((norm) => norm * Math.sqrt(all / own));
}

/**
 * Fills in scores for experts that got too few tokens: the median of the same linears of the layer's other experts, or if there
 * are none, the median of all scored linears of the layer.
 */
function withoutGaps(layer: DecoderLayer, scores: Scores): Scores {
  const valuesOf = (linears: readonly LinearSpec[]): number[] => linears.flatMap(({ name }) => scores[name] ?? []).sort((a, b) => a - b);
  return Object.fromEntries(linearsOf(layer).map(({ name }) => {
    const alike = valuesOf(linearsOf(layer).filter((other) => linearKind(other.name) === linearKind(name)));
    const values = alike.length > 0 ? alike : valuesOf(linearsOf(layer));
    return [name, scores[name] ?? values[Math.floor((values.length - 1) / 2)]];
  }));
}

/** Returns one number for each linear, and stores the gradient for the layer before. */
async function byGradients(
  by: Of<'gradients'>,
  { context, method, tokens, layer: index }: ScoreLayerInput,
  open: OpenModel,
  layer: DecoderLayer,
  weights: ReadonlyMap<string, Tensor>,
  bench: Workbench,
): Promise<Scores> {
  const behind = isLast(context, index) ? await gradientOfLoss(by, context, tokens, open, bench) : await readGradient(context, method, tokens, index + 1, bench);
  const hidden = await bench.hidden.take(context, densePath(tokens, index));
  const { layerSensitivity } = await by.load();
  const counts = new TokenCounts(context.experts?.minTokens);
  const { scores, gradients } = await layerSensitivity({ layer, hidden, gradients: behind, weights, onSubBlock: counts.add });
  const few = counts.few();
  tf.dispose(hidden);
  const what = `gradient of the loss before layer ${index}`;
  await checkFinite(gradients, what);
  if (index > 0) {
    await bench.store.findOrMake('gradient', scoresDependOn(context, method, tokens, index), async (draft) => {
      await draft.write(batchesFile('gradient'), bytesOf(gradients));
      return describeBatches(gradients);
    });
  }
  tf.dispose(gradients);
  return withoutGaps(layer, Object.fromEntries([...scores].filter(([name]) => !few.has(name))));
}

async function gradientOfLoss(by: Of<'gradients'>, context: RunContext, tokens: TokensRef, open: OpenModel, bench: Workbench): Promise<Tensor3D[]> {
  const hidden = await bench.hidden.take(context, densePath(tokens, context.model.layers));
  const ids = await readTokens(bench.store, tokens);
  const { lossGradient } = await by.load();
  const weights = await bench.weights(open, open.model.headTensors);
  let first = 0;
  const gradients = hidden.map((batch) => {
    const [count, time] = batch.shape;
    const windows = tf.tensor2d(ids.subarray(first * time, (first + count) * time), [count, time], 'int32');
    const gradient = lossGradient(open.model, weights, batch, windows);
    tf.dispose([batch, windows]);
    first += count;
    return gradient;
  });
  disposeWeights(weights);
  await bench.hidden.drop(context, densePath(tokens, context.model.layers));
  return gradients;
}

async function readGradient(context: RunContext, method: Method, tokens: TokensRef, layer: number, bench: Workbench): Promise<Tensor3D[]> {
  const key = ArtifactStore.key('gradient', scoresDependOn(context, method, tokens, layer));
  try {
    const gradients = await readBatches(bench.store, 'gradient', key);
    if (gradients === undefined) throw new ArtifactLostError('gradient', key, 'it is missing');
    return gradients;
  } catch (error) {
    for (let behind = layer; behind < context.model.layers; behind++) {
      await bench.store.drop('scores', ArtifactStore.key('scores', scoresDependOn(context, method, tokens, behind)));
    }
    throw error;
  }
}

/**
 * Returns how many weights each linear of the model loses.
 * @param tokens calibration on which the linears were scored; read only if the method scores
 * @returns by weight name; the sum is exactly `floor(prunable * sparsity)`
 * @throws ArtifactLostError if scores are gone
 */
export async function allocatedBudgets(context: RunContext, allocation: Allocation, tokens: TokensRef | undefined, bench: Workbench): Promise<Map<string, number>> {
  const { model } = await bench.model(context.model);
  const scored = allocationMethodOf(allocation.method).needs !== 'nothing';
  const linears: LinearScore[] = [];
  for (let layer = 0; layer < model.layers; layer++) {
    const scores = await readScores(context, allocation.method, tokens, layer, bench);
    for (const { name, shape } of linearsOf(model.decoderLayer(layer))) {
      linears.push({ name, size: shape[0] * shape[1], layer, kind: linearKind(name), score: scored ? scores[name] : 0 });
    }
  }
  return allocate({ ...allocation, linears, sparsity: context.sparsity });
}

/** Returns the scores of a layer; empty if the method does not score. */
async function readScores(context: RunContext, method: Method, tokens: TokensRef | undefined, layer: number, bench: Workbench): Promise<Scores> {
  if (allocationMethodOf(method).needs === 'nothing') return {};
  if (tokens === undefined) throw new PruningInputError({ what: `the allocation ${method} has no calibration`, expected: 'scores from a calibration' });
  const key = ArtifactStore.key('scores', scoresDependOn(context, method, tokens, layer));
  const manifest = await bench.store.find('scores', key);
  if (manifest === undefined) throw new ArtifactLostError('scores', key, 'it is missing');
  return manifest.summary as Scores;
}
