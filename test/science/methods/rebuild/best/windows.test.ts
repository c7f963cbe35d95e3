import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../../../science/engine/index.js';
import type { Tensor3D } from '../../../../../science/engine/index.js';
import { SubBlockWindows } from '../../../../../science/methods/rebuild/best/windows.js';
import { openTestEngine } from '../../../../helpers/engine.js';
import { toyLayer } from '../../parts/reconstruct/toy-layer.js';
import type { ToyLayer } from '../../parts/reconstruct/toy-layer.js';

beforeAll(() => openTestEngine());

describe('SubBlockWindows', () => {
  it('aims at the dense output, and partly at the dense path', async () => {
    const toy = await toyLayer('llama', [2, 3]);
    const [subBlock] = toy.layer.subBlocks;
    const hidden = toy.windows.map(({ h }) => h);
    const denseHidden = hidden.map((h) => h.add<Tensor3D>(0.1));
    const { windows, denseAfter } = await SubBlockWindows.open({ subBlock, dense: toy.weights, hidden, denseHidden, denseShare: 0.25, heldOut: 2 });
    const seen: number[][] = [];
    const expected: number[][] = [];
    await windows.each((x, target) => { seen.push([x.shape[0], ...target.dataSync<'float32'>()]); });
    tf.tidy(() => {
      const out = (h: Tensor3D): Tensor3D => {
        const x = subBlock.enter(h, toy.weights);
        const after = subBlock.leave(h, tf.zerosLike(h), toy.weights);
        return layerOutput(toy, x).add<Tensor3D>(after.sub(h));
      };
      for (const [index, count] of [[0, 2], [1, 1]] as const) {
        const h = hidden[index].slice([0, 0, 0], [count, -1, -1]);
        const d = denseHidden[index].slice([0, 0, 0], [count, -1, -1]);
        // What must be added to h so that the stream is a quarter of the way from the pruned to the dense path.
        const wanted = h.add(out(h)).mul(0.75).add(d.add(out(d)).mul(0.25)).sub(h);
        expected.push([count, ...wanted.dataSync<'float32'>()]);
      }
    });
    expect(seen.map(([count]) => count)).toEqual([2, 1]);
    seen.flat().forEach((value, i) => { expect(value).toBeCloseTo(expected.flat()[i], 5); });
    expect(windows.tokens).toBe(3 * 10);
    windows.dispose();
    tf.dispose([denseAfter ?? [], denseHidden].flat());
    toy.dispose();
  });

  it.each(['llama', 'optPostNorm'] as const)('reaches the dense path with its targets, wherever the norm is: %s', async (family) => {
    const toy = await toyLayer(family, [3]);
    const hidden = toy.windows.map(({ h }) => h);
    const denseHidden = hidden.map((h) => h.add<Tensor3D>(tf.randomNormal(h.shape, 0, 0.3, 'float32', 5)));
    for (const subBlock of toy.layer.subBlocks) {
      const { windows, denseAfter = [] } = await SubBlockWindows.open({ subBlock, dense: toy.weights, hidden, denseHidden, denseShare: 1, heldOut: 0 });
      const reached: number[] = [];
      await windows.each((_, target) => { reached.push(...subBlock.leave(hidden[0], target, toy.weights).dataSync<'float32'>()); });
      const expected = denseAfter[0].dataSync<'float32'>();
      expect(reached).toHaveLength(expected.length);
      reached.forEach((value, i) => { expect(value).toBeCloseTo(expected[i], 4); });
      windows.dispose();
      tf.dispose(denseAfter);
    }
    tf.dispose(denseHidden);
    toy.dispose();
  });
});

/** The attention's dense output for its normed input. */
function layerOutput({ layer, weights }: ToyLayer, x: Tensor3D): Tensor3D {
  const [subBlock] = layer.subBlocks;
  const { inputs, output } = subBlock;
  const linear = (of: Tensor3D, { name, shape: [out, width] }: { name: string; shape: readonly [number, number] }): Tensor3D =>
    tf.matMul(of.reshape([-1, width]), weights.get(name)!, false, true).reshape([of.shape[0], of.shape[1], out]);
  return linear(subBlock.core(inputs.map((spec) => linear(x, spec)), weights), output);
}
