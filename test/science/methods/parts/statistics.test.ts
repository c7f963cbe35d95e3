import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../../science/engine/index.js';
import { InputNorms } from '../../../../science/methods/index.js';
import { openTestEngine } from '../../../helpers/engine.js';

beforeAll(() => openTestEngine());

describe('InputNorms', () => {
  const q = { name: 'q', shape: [5, 2] as const };
  const k = { name: 'k', shape: [3, 2] as const };
  const out = { name: 'out', shape: [1, 3] as const };

  it('adds up squares over tokens, sequences and batches for the input of each linear', () => {
    const norms = new InputNorms();
    const x = tf.tensor3d([[[1, -2], [3, 4]], [[5, 6], [-7, 8]]]);
    const core = tf.tensor3d([[[1, 0, 2]]]);
    for (const [linear, input] of [[q, x], [k, x], [out, core], [q, tf.tensor3d([[[10, 0]]])]] as const) norms.add(linear, input);
    expect([...norms.norms('q')]).toEqual([Math.sqrt(184), Math.sqrt(120)].map(Math.fround));
    expect([...norms.norms('k')]).toEqual([Math.sqrt(84), Math.sqrt(120)].map(Math.fround));
    expect([...norms.norms('out')]).toEqual([1, 0, 2]);
  });

  it('loses nothing over many small batches beside a large one', () => {
    const norms = new InputNorms();
    norms.add(out, tf.tensor3d([[[1e5, 0, 1]]]));
    // In float32, 1e10 + 1 is 1e10.
    for (let batch = 0; batch < 4096; batch++) norms.add(out, tf.tensor3d([[[1, 0, 0]]]));
    expect(norms.norms('out')[0]).toBe(Math.fround(Math.sqrt(1e10 + 4096)));
  });
});
