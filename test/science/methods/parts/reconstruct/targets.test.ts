import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../../../science/engine/index.js';
import type { Tensor3D } from '../../../../../science/engine/index.js';
import { layerForward, PruningInputError } from '../../../../../science/methods/index.js';
import { reconstructionTargets } from '../../../../../science/methods/parts/reconstruct/index.js';
import { openTestEngine } from '../../../../helpers/engine.js';
import { toyLayer } from './toy-layer.js';

beforeAll(() => openTestEngine());

describe('reconstructionTargets', () => {
  it('mix the outputs of the dense layer for the dense path and for the pruned path', async () => {
    const toy = await toyLayer('llama', [2, 1]);
    const { layer, weights, windows } = toy;
    const hidden = windows.map(({ h }) => h);
    const denseHidden = hidden.map((h) => h.mul<Tensor3D>(0.7));
    const tensors = tf.memory().numTensors;
    const ofPruned = await layerForward({ layer, hidden, weights, keepInput: true });
    const ofDense = await layerForward({ layer, hidden: denseHidden, weights, keepInput: true });
    const cases = [
      { share: 0, request: {} },
      { share: 0.5, request: { denseHidden } },
      ...[0, 0.25, 1].map((share) => ({ share, request: { denseHidden, share } })),
    ];
    for (const { share, request } of cases) {
      const targets = await reconstructionTargets({ layer, dense: weights, hidden, ...request });
      expect(targets.length).toBe(2);
      targets.forEach((target, index) => {
        const [actual, d, p] = [target, ofDense[index], ofPruned[index]].map((x) => x.dataSync<'float32'>());
        actual.forEach((value, i) => { expect(value).toBeCloseTo(share * d[i] + (1 - share) * p[i], 5); });
      });
      tf.dispose(targets);
    }
    tf.dispose([ofPruned, ofDense]);
    expect(tf.memory().numTensors).toBe(tensors);

    await expect(reconstructionTargets({ layer, dense: weights, hidden, share: 0.5 })).rejects.toThrow(PruningInputError);
    await expect(reconstructionTargets({ layer, dense: weights, hidden, denseHidden: denseHidden.slice(1), share: 0.5 })).rejects.toThrow(PruningInputError);
    for (const share of [-0.1, 1.1, NaN]) await expect(reconstructionTargets({ layer, dense: weights, hidden, denseHidden, share })).rejects.toThrow(PruningInputError);
    await expect(reconstructionTargets({ layer, dense: new Map(), hidden })).rejects.toThrow();
    expect(tf.memory().numTensors).toBe(tensors);
    tf.dispose(denseHidden);
    toy.dispose();
  });
});
