import { tf } from '../engine/index.js';
import type { Tensor3D } from '../engine/index.js';
import { customVjp } from './custom-vjp.js';

/**
 * The gated unit of LLaMA's MLP, `silu(gate) * up` with `silu(z) = z sigmoid(z)` (Shazeer 2020), elementwise.
 * Its vector-Jacobian product is written by hand, because the recorded one needs 1.5 times as many passes:
 * with `s = sigmoid(gate)`, `d gate = dy up (s + gate s (1 - s))` and `d up = dy gate s`.
 */
export function gatedSilu(gate: Tensor3D, up: Tensor3D): Tensor3D {
  return customVjp(
    [gate, up],
    (g, u) => {
      const sigmoid = g.sigmoid();
      const silu = g.mul<Tensor3D>(sigmoid);
      return { value: silu.mul<Tensor3D>(u), saved: [u, sigmoid, silu] };
    },
    // With silu = gate s, the factor s + gate s (1 - s) is s + silu - silu s.
    (dy, [u, sigmoid, silu]) => [dy.mul(u).mul(sigmoid.add(silu).sub(silu.mul(sigmoid))), dy.mul(silu)],
  );
}

/** Exact GELU, `z Phi(z)` with the normal distribution Phi (Hendrycks and Gimpel 2016); not the tanh approximation. */
export function gelu(z: Tensor3D): Tensor3D {
  return tf.tidy(() => z.mul<Tensor3D>(z.mul(Math.SQRT1_2).erf().add(1).mul(0.5)));
}

/** Constants of GELU's approximation `z (1 + tanh(a (z + b z^3))) / 2`, which equals `z sigmoid(2a (z + b z^3))`. */
const [a, b] = [Math.sqrt(2 / Math.PI), 0.044715];

/**
 * Gemma's gated unit, `gelu(gate) * up` with the tanh approximation of GELU (Hendrycks and Gimpel 2016), elementwise. With the
 * sigmoid s, `d gate = dy up (s + gate s (1 - s) 2a (1 + 3b gate^2))` and `d up = dy gate s`.
 */
export function gatedGelu(gate: Tensor3D, up: Tensor3D): Tensor3D {
  return customVjp(
    [gate, up],
    (g, u) => {
      const sigmoid = tf.tidy(() => tf.tidy(() => g.square().mul(2 * a * b).add<Tensor3D>(2 * a)).mul<Tensor3D>(g).sigmoid());
      const gelu = g.mul<Tensor3D>(sigmoid);
      return { value: gelu.mul<Tensor3D>(u), saved: [g, u, sigmoid, gelu] };
    },
    (dy, [g, u, sigmoid, gelu]) => {
      const bend = tf.tidy(() => g.square().mul<Tensor3D>(6 * a * b).add<Tensor3D>(2 * a));
      const slope = tf.tidy(() => gelu.sub(gelu.mul(sigmoid)).mul(bend).add<Tensor3D>(sigmoid));
      return [tf.tidy(() => dy.mul(u).mul(slope)), dy.mul(gelu)];
    },
  );
}
