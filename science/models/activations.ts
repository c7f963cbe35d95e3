import { tf } from '../engine/index.js';
import type { Tensor3D } from '../engine/index.js';
import { customVjp } from './custom-vjp.js';

/**
 * The gated unit of LLaMA's MLP, `silu(gate) * up` with `silu(z) = z sigmoid(z)` (Shazeer 2020), elementwise.
 * Its vector-Jacobian product is written out, because the recorded one makes half as many passes again:
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

/** `z Phi(z)`, Phi being the normal distribution (Hendrycks and Gimpel 2016): the exact one, not its tanh approximation. */
export function gelu(z: Tensor3D): Tensor3D {
  return tf.tidy(() => z.mul<Tensor3D>(z.mul(Math.SQRT1_2).erf().add(1).mul(0.5)));
}

/**
 * Gemma's gated unit, `gelu(gate) * up` with the approximation `gelu(z) = z (1 + tanh(sqrt(2/pi) (z + 0.044715 z^3))) / 2`
 * (Hendrycks and Gimpel 2016), elementwise.
 */
export function gatedGelu(gate: Tensor3D, up: Tensor3D): Tensor3D {
  return tf.tidy(() => {
    const inner = gate.square().mul(0.044715).add(1).mul(gate).mul(Math.sqrt(2 / Math.PI));
    return inner.tanh().add(1).mul(0.5).mul(gate).mul<Tensor3D>(up);
  });
}
