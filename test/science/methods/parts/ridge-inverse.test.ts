import { beforeAll, expect, it } from 'vitest';
import { tf } from '../../../../science/engine/index.js';
import { raiseRidge, ridgeInverse } from '../../../../science/methods/parts/ridge-inverse.js';
import { openTestEngine } from '../../../helpers/engine.js';
import { inverse } from '../initial/sparsegpt/sparsegpt-oracle.js';
import { product, transposed } from './admm-oracle.js';

beforeAll(() => openTestEngine());

it('keeps the inverse accurate after ten changes of the ridge', async () => {
  let state = 5;
  const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) | 0) / 2 ** 31;
  // Eigenvalues from 0 (fewer tokens than inputs) to about 20.
  const x = Array.from({ length: 30 }, () => { const common = next(); return Array.from({ length: 40 }, () => next() + common); });
  const h = product(transposed(x), x);
  const a = h.map((row, i) => row.map((value, j) => value / Math.sqrt(h[i][i] * h[j][j])));
  const matrix = tf.tensor2d(a);
  let ridge = 0.1;
  let found = await ridgeInverse(matrix, ridge, 'linear');
  for (let step = 0; step < 10; step++) {
    const exact = inverse(a.map((row, i) => row.map((value, j) => value + (i === j ? ridge : 0)))).flat();
    const values = await found.data();
    // The largest eigenvalue is 1 / ridge.
    exact.forEach((value, i) => { expect(Math.abs(values[i] - value) * ridge).toBeLessThan(1e-5); });
    found = raiseRidge(matrix, found, ridge, ridge * 1.3);
    ridge *= 1.3;
  }
  tf.dispose([matrix, found]);
});
