import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../../../science/engine/index.js';
import type { Tensor3D } from '../../../../../science/engine/index.js';
import type { DecoderLayer } from '../../../../../science/models/types.js';
import { InputNorms, layerForward, rebuildSubBlock, selectSwaps, unstructured } from '../../../../../science/methods/index.js';
import type { LayerForward, RebuildSettings } from '../../../../../science/methods/index.js';
import { denseWithGradients } from '../../../../../science/methods/parts/output-gradients.js';
import { SquaredGradients } from '../../../../../science/methods/parts/squared-gradients.js';
import { openTestEngine } from '../../../../helpers/engine.js';
import { errorOf, forward, linears, masked, sequences, toBatches, toTensors, toy, toyWeights } from '../toy-sub-block.js';

const time = 5;
const all = sequences(4, time);
const masks = new Map(linears.map(({ name, shape }) => [name, Uint8Array.from({ length: shape[0] * shape[1] }, (_, i) => (i * 5 + 1) % 3 % 2)]));
const settings: RebuildSettings = { granularity: 'block', ratio: 0.5, metric: 'weight-gradient', pattern: unstructured };

/** Sum over sequences of the squared gradient of `mean((t - y)^2)` at the dense weights, by central differences. */
function squaredGradients(start = masked(toyWeights(), masks)): Map<string, number[]> {
  const dense = toyWeights();
  const targets = all.map((sequence) => forward(sequence, start));
  const step = 1e-5;
  return new Map(
    linears.map(({ name }) => {
      const values = dense.get(name)!;
      const sums = Array.from(values, (original, i) => {
        const errorAt = (value: number, index: number): number => {
          values[i] = value;
          const error = errorOf(targets[index], forward(all[index], dense));
          values[i] = original;
          return error;
        };
        return all.reduce((sum, _, index) => sum + ((errorAt(original + step, index) - errorAt(original - step, index)) / (2 * step)) ** 2, 0);
      });
      return [name, sums];
    }),
  );
}

/** Importance by finite differences, in float64, rounded at the end. */
function importances(metric: RebuildSettings['metric'], { start = masked(toyWeights(), masks), base = toyWeights() } = {}): Float32Array[] {
  const gradients = squaredGradients(start);
  return linears.map(({ name }) => Float32Array.from(gradients.get(name)!, (sum, i) => {
    const magnitude = Math.abs(base.get(name)![i]);
    return metric === 'weight' ? magnitude : (metric === 'gradient' ? 1 : magnitude) * Math.sqrt(sum);
  }));
}

beforeAll(() => openTestEngine());

describe('the gradients of a sub-block', () => {
  it.each([1, 3, 4])('match finite differences, in batches of %d', async (size) => {
    const expected = squaredGradients();
    const dense = toTensors(toyWeights());
    const sparse = toTensors(masked(toyWeights(), masks));
    const gradients = new SquaredGradients();
    for (const h of toBatches(all, size)) {
      tf.tidy(() => {
        const x = toy.enter(h, dense);
        const outputs = (weights: typeof dense) => forwardTensor(x, weights);
        for (const gradient of denseWithGradients(toy, x, outputs(sparse), dense).gradients) gradients.add(gradient);
      });
    }
    // The constant that the code leaves out: d mean((t - y)^2) = 2 / (time * hidden) of d ||t - y||^2 / 2.
    const constant = (2 / (time * 3)) ** 2;
    for (const linear of linears) {
      const actual = await gradients.get(linear)!.data();
      expected.get(linear.name)!.forEach((sum, i) => expect(actual[i] * constant / sum).toBeCloseTo(1, 4));
    }
    gradients.dispose();
  });
});

function forwardTensor(x: Tensor3D, weights: ReturnType<typeof toTensors>): Tensor3D {
  const apply = (input: Tensor3D, index: number): Tensor3D => {
    const { name, shape, bias } = linears[index];
    const product = tf.matMul(input.reshape([-1, shape[1]]), weights.get(name)!, false, true);
    return (bias === undefined ? product : product.add(weights.get(bias)!)).reshape([x.shape[0], x.shape[1], shape[0]]);
  };
  return apply(toy.core([apply(x, 0), apply(x, 1)], weights), 2);
}

describe('rebuildSubBlock', () => {
  it.each(['weight-gradient', 'weight', 'gradient'] as const)('swaps by %s, reports the true errors, and runs on', async (metric) => {
    const dense = toyWeights();
    const tensors = toTensors(dense);
    const rebuilt = await rebuildSubBlock({ subBlock: toy, hidden: toBatches(all, 3), dense: tensors, masks, settings: { ...settings, metric } });

    const expected = selectSwaps({ ...settings, importance: importances(metric), masks: [...masks.values()], shapes: linears.map(({ shape }) => shape) });
    expect([...rebuilt.masks.values()]).toEqual(expected.masks);
    expect(rebuilt.report.grown).toBeGreaterThan(0);
    expect(rebuilt.report.pruned).toBe(rebuilt.report.grown);

    const errorUnder = (used: ReadonlyMap<string, Uint8Array>): number =>
      all.reduce((sum, sequence) => sum + errorOf(forward(sequence, masked(dense, used)), forward(sequence, dense)), 0) / all.length;
    expect(rebuilt.report.errorBefore / errorUnder(masks)).toBeCloseTo(1, 5);
    expect(rebuilt.report.errorAfter / errorUnder(rebuilt.masks)).toBeCloseTo(1, 5);

    const after = all.map((sequence) => forward(sequence, masked(dense, rebuilt.masks)).map((y, t) => y.map((value, i) => value + sequence[t][i])));
    const actual = rebuilt.hidden.flatMap((batch) => batch.arraySync());
    actual.flat(2).forEach((value, i) => expect(value).toBeCloseTo(after.flat(2)[i], 4));
  });

  it('frees everything except its result, including its inputs', async () => {
    const dense = toTensors(toyWeights());
    const hidden = toBatches(all, 3);
    const before = tf.memory().numTensors;
    const told: string[] = [];
    let result = await rebuildSubBlock({
      subBlock: toy, hidden, dense, masks, settings,
      onProgress: ({ pass, batch, batches }) => told.push(`${pass}: ${batch}/${batches}`),
    });
    for (let round = 0; round < 3; round++) result = await rebuildSubBlock({ subBlock: toy, hidden: result.hidden, dense, masks: result.masks, settings });
    expect(tf.memory().numTensors).toBe(before);
    expect(hidden.every((batch) => batch.isDisposed)).toBe(true);
    expect(told).toEqual(['1: 1/2', '1: 2/2', '2: 1/2', '2: 2/2']);
  });

  it('lets timers and messages run between batches', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await rebuildSubBlock({ subBlock: toy, hidden: toBatches(sequences(64, time), 1), dense: toTensors(toyWeights()), masks, settings });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });

  it('names a linear without a mask', async () => {
    const some = new Map([...masks].slice(0, 2));
    const request = { subBlock: toy, hidden: toBatches(all, 3), dense: toTensors(toyWeights()), masks: some, settings };
    await expect(rebuildSubBlock(request)).rejects.toThrow(/out: this linear has no mask/);
  });

  it('names the linear of a weight that is NaN, and frees everything', async () => {
    const numbers = toyWeights();
    numbers.get('b')![5] = NaN;
    const dense = toTensors(numbers);
    const before = tf.memory().numTensors;
    const request = { subBlock: toy, hidden: toBatches(all, 3), dense, masks, settings };
    await expect(rebuildSubBlock(request)).rejects.toThrow(/importance of a: NaN at row 0, column 0/);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('rebuildSubBlock from updated weights', () => {
  // Two of the three linears have updates. The values of pruned weights are never read.
  const updated = new Map(linears.slice(1).map(({ name }) => [name, toyWeights().get(name)!.map((value, i) => (masks.get(name)![i] === 1 ? value * 1.25 + 0.125 : 9))]));
  const updates = new Map([...updated].map(([name, values]) => [name, Float32Array.from(values)]));
  const start = masked(new Map([...toyWeights(), ...updated]), masks);

  it.each(['keep-dense', 'keep-updates'] as const)('%s: judges the start as it is, and swaps and runs on with the right values', async (weights) => {
    const dense = toyWeights();
    const base = new Map([...dense].map(([name, values]) => [name, values.map((value, i) => {
      const update = weights === 'keep-updates' ? updated.get(name) : undefined;
      return update === undefined || masks.get(name)![i] === 0 ? value : update[i];
    })]));
    const before = tf.memory().numTensors;
    const tensors = toTensors(dense);
    const rebuilt = await rebuildSubBlock({
      subBlock: toy, hidden: toBatches(all, 3), dense: tensors, masks, updates: new Map([...updates, ['other', new Float32Array(1)]]), settings: { ...settings, weights, ratio: 1 },
    });

    const importance = importances('weight-gradient', { start, base });
    const expected = selectSwaps({ ...settings, ratio: 1, importance, masks: [...masks.values()], shapes: linears.map(({ shape }) => shape) });
    expect([...rebuilt.masks.values()]).toEqual(expected.masks);
    expect(rebuilt.report.grown).toBeGreaterThan(0);

    const after = masked(base, rebuilt.masks);
    const errorUnder = (used: typeof start): number => all.reduce((sum, sequence) => sum + errorOf(forward(sequence, used), forward(sequence, dense)), 0) / all.length;
    expect(rebuilt.report.errorBefore / errorUnder(start)).toBeCloseTo(1, 5);
    expect(rebuilt.report.errorAfter / errorUnder(after)).toBeCloseTo(1, 5);
    if (weights === 'keep-dense') expect(rebuilt.updates).toBeUndefined();
    else {
      expect([...rebuilt.updates!.keys()]).toEqual([...updates.keys()]);
      const values = masked(new Map([...rebuilt.updates!].map(([name, array]) => [name, Float64Array.from(array)])), rebuilt.masks);
      for (const [name, array] of values) array.forEach((value, i) => expect(value).toBeCloseTo(after.get(name)![i], 6));
    }
    expect(tf.memory().numTensors - before).toBe(tensors.size + rebuilt.hidden.length);

    const { updates: made } = rebuilt;
    const again = await rebuildSubBlock({ subBlock: toy, hidden: toBatches(all, 3), dense: tensors, masks: rebuilt.masks, ...(made && { updates: made }), settings });
    expect(again.report.errorBefore).toBe(rebuilt.report.errorAfter);
  });
});

describe('layerForward', () => {
  const layer: DecoderLayer = { index: 0, tensors: [], subBlocks: [toy, toy] };

  it('gives the same bits as the rebuild under the same masks', async () => {
    const weights = toTensors(toyWeights());
    const first = await rebuildSubBlock({ subBlock: toy, hidden: toBatches(all, 3), dense: weights, masks, settings });
    const second = await rebuildSubBlock({ subBlock: toy, hidden: first.hidden, dense: weights, masks: first.masks, settings: { ...settings, ratio: 0.01 } });
    expect(second.masks).toEqual(first.masks);
    const run = await layerForward({ layer, hidden: toBatches(all, 3), weights, masks: first.masks });
    expect(run.map((batch) => batch.dataSync())).toEqual(second.hidden.map((batch) => batch.dataSync()));
  });

  it('uses updates instead of dense weights, masked or not', async () => {
    const doubled = new Map(toyWeights());
    doubled.set('b', doubled.get('b')!.map((value) => 2 * value));
    const updates = new Map([['b', Float32Array.from(doubled.get('b')!)]]);
    const run = async (weights: ReturnType<typeof toTensors>, given: Pick<LayerForward, 'masks' | 'updates'>): Promise<Float32Array[]> =>
      (await layerForward({ layer, hidden: toBatches(all, 3), weights, ...given })).map((batch) => batch.dataSync<'float32'>());
    expect(await run(toTensors(toyWeights()), { updates })).toEqual(await run(toTensors(doubled), {}));
    expect(await run(toTensors(toyWeights()), { updates, masks })).toEqual(await run(toTensors(doubled), { masks }));
    expect(await run(toTensors(toyWeights()), { updates })).not.toEqual(await run(toTensors(toyWeights()), {}));
  });

  it('shows every linear its input, and keeps or frees the batches', async () => {
    const weights = toTensors(toyWeights());
    const hidden = toBatches(all, 3);
    const before = tf.memory().numTensors;
    const norms = new InputNorms();
    tf.dispose(await layerForward({ layer: { ...layer, subBlocks: [toy, { ...toy, inputs: [], core: () => tf.zeros([1, time, 4]), enter: (h) => h }] }, hidden: hidden.slice(1), weights, keepInput: true, onInput: norms.add }));
    expect(tf.memory().numTensors).toBe(before);
    // x = 2h of the last sequence, because the second batch has only one.
    const expected = [0, 1, 2].map((i) => Math.sqrt(all[3].reduce((sum, h) => sum + (2 * h[i]) ** 2, 0)));
    norms.norms('a').forEach((norm, i) => expect(norm).toBeCloseTo(expected[i], 5));
    expect(norms.norms('b')).toEqual(norms.norms('a'));
    expect(norms.norms('out')).toHaveLength(4);
    expect(() => norms.norms('c')).toThrow(/c: no input of this linear was seen/);

    const after = await layerForward({ layer, hidden, weights, masks });
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose(after);
  });
});
