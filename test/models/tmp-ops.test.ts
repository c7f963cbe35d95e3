import { it } from 'vitest';
import { tf } from '../../engine/index.js';
import { openTestEngine } from '../helpers/engine.js';
function med(f: () => any, n = 25) { const t: number[] = []; f(); f(); for (let i = 0; i < n; i++) { const a = performance.now(); tf.dispose(f()); t.push(performance.now() - a); } return t.sort((a, b) => a - b)[n >> 1].toFixed(2); }
it('bench', async () => {
  await openTestEngine('auto');
  for (const [B, T, D, h, kv] of [[1, 512, 64, 8, 4], [4, 512, 64, 8, 8]]) {
    const q = tf.randomNormal([B, h, T, D]) as any, k = tf.randomNormal([B, kv, T, D]) as any;
    const S = tf.randomNormal([B * h, T, T]) as any, m = tf.randomNormal([T, T]) as any;
    const Qg = q.reshape([B, kv, h / kv * T, D]); const P = S.reshape([B, kv, h / kv * T, T]);
    const g = tf.randomNormal([B, T, 1376]) as any;
    console.log(JSON.stringify({ B, T, D,
      score: med(() => tf.matMul(Qg, k, false, true)), pv: med(() => tf.matMul(P, k)), 
      addMask: med(() => S.add(m)), softmax: med(() => tf.softmax(S)), exp: med(() => tf.exp(S)), mulSS: med(() => S.mul(S)), gmul: med(() => g.mul(g)), sig: med(() => g.sigmoid())
    }));
  }
});
