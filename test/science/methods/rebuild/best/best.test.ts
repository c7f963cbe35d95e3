import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../../../science/engine/index.js';
import type { Tensor3D } from '../../../../../science/engine/index.js';
import { heldConstants, linearsOf } from '../../../../../science/models/index.js';
import { checkRebuiltMasks, layerForward, parsePattern, unstructured } from '../../../../../science/methods/index.js';
import type { Granularity, KeepWeights, Pattern } from '../../../../../science/methods/index.js';
import type { RebuildRequest, RebuildResult } from '../../../../../science/methods/rebuild/method.js';
import { best, type settings } from '../../../../../science/methods/rebuild/best/method.js';
import { efforts, type Effort } from '../../../../../science/methods/rebuild/best/recipe.js';
import { run } from '../../../../../science/methods/rebuild/best/run.js';
import { openTestEngine } from '../../../../helpers/engine.js';
import { toyLayer } from '../../parts/reconstruct/toy-layer.js';
import type { ToyLayer } from '../../parts/reconstruct/toy-layer.js';

type Request = RebuildRequest<typeof settings>;

const identity = (_: string, values: Float32Array): Float32Array => values;
const copies = (batches: readonly Tensor3D[]): Tensor3D[] => batches.map((batch) => batch.clone());

/** @param apart difference between the dense path and the pruned one */
function requestOf({ layer, weights, masks, windows }: ToyLayer, effort: Effort, more: Partial<Request> = {}, apart = 0): Request {
  const hidden = windows.map(({ h }) => h);
  const common = { granularity: 'block', metric: 'weight-gradient', weights: 'refit' } as const;
  const beside = best.needsDensePath?.({ effort }, common) === true;
  return {
    layer, hidden: copies(hidden), ...(beside && { denseHidden: hidden.map((h) => h.add<Tensor3D>(apart)) }), dense: weights, start: { masks },
    pattern: unstructured, common, settings: { effort }, round: identity, onProgress: () => undefined, ...more,
  };
}

/** Mean squared error of the layer's output against its dense output, over all windows. */
async function errorOf({ layer, weights, windows }: ToyLayer, { masks, updates }: Pick<RebuildResult, 'masks' | 'updates'>): Promise<number> {
  const after = await layerForward({ layer, hidden: windows.map(({ h }) => h), weights, masks, updates, keepInput: true });
  return tf.tidy(() => {
    const errors = after.map((h, index) => h.sub(windows[index].target).square().mean().dataSync()[0]);
    tf.dispose(after);
    return errors.reduce((sum, error) => sum + error, 0) / errors.length;
  });
}

const named = ({ layer }: ToyLayer, block: number, masks: ReadonlyMap<string, Uint8Array>) =>
  linearsOf(layer.subBlocks[block]).map(({ name, shape }) => ({ name, shape, mask: masks.get(name)! }));

const dispose = ({ hidden, denseHidden }: RebuildResult): void => { tf.dispose([hidden, denseHidden ?? []].flat()); };

beforeAll(() => openTestEngine());

describe('best', () => {
  it.each(['llama', 'opt', 'optPostNorm', 'qwen3', 'olmo2', 'granite', 'gptNeox'] as const)('improves on the start with every effort, within the budgets: %s', async (family) => {
    const toy = await toyLayer(family, [16, 16]);
    const first = await errorOf(toy, { masks: toy.masks, updates: new Map() });
    const errors: number[] = [];
    for (const effort of efforts) {
      const made = await run(requestOf(toy, effort));
      for (const block of [0, 1]) checkRebuiltMasks(named(toy, block, toy.masks), named(toy, block, made.masks), { granularity: 'block', pattern: unstructured });
      errors.push(await errorOf(toy, made));
      dispose(made);
    }
    for (const error of errors) expect(error).toBeLessThan(0.8 * first);
    toy.dispose();
  });

  it('returns the residual streams of both paths like any other forward, and leaves no tensor', async () => {
    const toy = await toyLayer('llama', [9, 8]);
    const { layer, weights } = toy;
    const tensors = tf.memory().numTensors - heldConstants();
    const made = await run(requestOf(toy, 30, {}, 0.05));
    const expected = await layerForward({ layer, hidden: toy.windows.map(({ h }) => h), weights, masks: made.masks, updates: made.updates, keepInput: true });
    const dense = await layerForward({ layer, hidden: toy.windows.map(({ h }) => h.add<Tensor3D>(0.05)), weights });
    const bytes = (batches: readonly Tensor3D[]) => batches.map((batch) => [...batch.dataSync<'float32'>()]);
    expect(bytes(made.hidden)).toEqual(bytes(expected));
    expect(bytes(made.denseHidden!)).toEqual(bytes(dense));
    tf.dispose([expected, dense].flat());
    dispose(made);
    expect(tf.memory().numTensors - heldConstants()).toBe(tensors);
    toy.dispose();
  });

  it('returns the stream of all values, also of experts with few tokens that keep updated ones', async () => {
    const toy = await toyLayer('mixtral', [16, 16]);
    const { layer, weights, masks } = toy;
    const updates = new Map([...masks.keys()].map((name) => [name, weights.get(name)!.dataSync<'float32'>().map((value) => 1.1 * value)]));
    const made = await run(requestOf(toy, 30, { start: { masks, updates }, minTokens: 217 }));
    expect(new Set(made.entries.filter(({ expert }) => expert !== undefined).map(({ few }) => few))).toEqual(new Set([true, undefined]));
    expect(made.entries.at(-1)!.reconstruction!.accepted).toBe(true);
    const expected = await layerForward({ layer, hidden: toy.windows.map(({ h }) => h), weights, masks: made.masks, updates: made.updates, keepInput: true });
    expect(made.hidden.map((h) => [...h.dataSync<'float32'>()])).toEqual(expected.map((h) => [...h.dataSync<'float32'>()]));
    tf.dispose(expected);
    dispose(made);
    toy.dispose();
  });

  it('reports what it decided and computed, and gives the same bits every time', async () => {
    const toy = await toyLayer('llama', [16, 16]);
    const [made, again] = [await run(requestOf(toy, 30)), await run(requestOf(toy, 30))];
    expect([...again.updates].map(([name, values]) => [name, [...values]])).toEqual([...made.updates].map(([name, values]) => [name, [...values]]));
    const [attention, mlp] = made.entries;
    expect([attention.block, mlp.block]).toEqual(['attention', 'mlp']);
    for (const entry of made.entries) {
      expect(entry.refit!.accepted).toBe(entry.refit!.error < entry.refit!.errorBefore);
      expect(entry.rounds!.length).toBeGreaterThan(0);
      expect(entry.grown).toBe(entry.pruned);
      expect(entry.forwards).toBeGreaterThan(20);
      expect(entry.forwards).toBeLessThan(45);
    }
    expect(attention.reconstruction).toBeUndefined();
    const { errorBefore, error, accepted } = mlp.reconstruction!;
    expect(accepted).toBe(error < errorBefore);
    [made, again].forEach(dispose);
    toy.dispose();
  });

  it('undoes a step that makes held-out windows worse', async () => {
    const toy = await toyLayer('llama', [16]);
    // The rounding makes all values useless.
    const made = await run(requestOf(toy, 10, { round: (_, values) => values.map((value) => value * 100) }));
    expect(made.updates.size).toBe(0);
    for (const { refit } of made.entries) expect(refit!.accepted).toBe(false);
    expect(made.entries[1].reconstruction!.accepted).toBe(false);
    dispose(made);
    toy.dispose();
  });

  it.each([['refit', 10], ['keep-updates', 10], ['keep-dense', 10]] as [KeepWeights, Effort][])('does not read the pruned values of the start: %s', async (weights, effort) => {
    const toy = await toyLayer('llama', [16, 16]);
    const common = { granularity: 'block', metric: 'weight-gradient', weights } as const;
    const startOf = (pruned: number) => new Map([...toy.masks].map(([name, mask]) => [name, toy.weights.get(name)!.dataSync<'float32'>().map((value, i) => (mask[i] === 1 ? value : pruned))]));
    const made: RebuildResult[] = [];
    for (const pruned of [0, 3]) {
      const { denseHidden = [], ...request } = requestOf(toy, effort, { common, start: { masks: toy.masks, updates: startOf(pruned) }, round: (_, values) => values.map((value) => value * 100) });
      made.push(await run({ ...request, ...(weights === 'refit' ? { denseHidden } : {}) }));
      if (weights !== 'refit') tf.dispose(denseHidden);
    }
    const [first, second] = made;
    let grown = 0;
    for (const [name, mask] of first.masks) {
      expect(second.masks.get(name)).toEqual(mask);
      const dense = toy.weights.get(name)!.dataSync<'float32'>();
      for (const { updates } of made) {
        const values = updates.get(name) ?? dense;
        // The kept weights of the start are the dense ones here, and so are those that came back.
        expect([...values].filter((value, i) => mask[i] === 1 && value !== dense[i])).toEqual([]);
      }
      grown += mask.filter((bit, i) => bit > toy.masks.get(name)![i]).length;
    }
    expect(grown).toBeGreaterThan(0);
    made.forEach(dispose);
    toy.dispose();
  });

  it('counts what came back and what went from start to end', async () => {
    const toy = await toyLayer('llama', [16, 16]);
    const made = await run(requestOf(toy, 10));
    for (const [block, entry] of made.entries.entries()) {
      const grown = named(toy, block, made.masks).reduce((sum, { name, mask }) => sum + mask.filter((bit, i) => bit > toy.masks.get(name)![i]).length, 0);
      expect([entry.grown, entry.pruned]).toEqual([grown, grown]);
    }
    dispose(made);
    toy.dispose();
  });

  it.each([['output', unstructured], ['layer', unstructured], ['block', parsePattern('2:4')]] as [Granularity, Pattern][])('keeps the budget of %s, %j', async (granularity, pattern) => {
    const toy = await toyLayer('llama', [16]);
    const request = requestOf(toy, 30, { pattern, common: { granularity, metric: 'weight-gradient', weights: 'refit' } });
    const made = await run(request);
    for (const block of [0, 1]) checkRebuiltMasks(named(toy, block, toy.masks), named(toy, block, made.masks), { granularity, pattern });
    dispose(made);
    toy.dispose();
  });

  it.each(['keep-dense', 'keep-updates'] as KeepWeights[])('%s changes only masks', async (weights) => {
    const toy = await toyLayer('llama', [16]);
    const common = { granularity: 'block', metric: 'weight-gradient', weights } as const;
    expect(best.needsDensePath?.({ effort: 30 }, common)).toBe(false);
    const first = await errorOf(toy, { masks: toy.masks, updates: new Map() });
    const tensors = tf.memory().numTensors - heldConstants();
    const { denseHidden, ...request } = requestOf(toy, 30, { common });
    tf.dispose(denseHidden ?? []);
    const made = await run(request);
    expect(made.updates.size).toBe(0);
    expect(await errorOf(toy, made)).toBeLessThan(first);
    for (const { grown, pruned } of made.entries) expect(grown).toBe(pruned);
    dispose(made);
    expect(tf.memory().numTensors - heldConstants()).toBe(tensors);
    toy.dispose();
  });
});
