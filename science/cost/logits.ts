/** Maximum number of logits held at once: 256 MiB in float32. Where gradients are taken, probabilities and gradients take the same each. */
export const maxLogits = 64 * 2 ** 20;
