/** The share of the mean diagonal of `sum x x^T` that is added to the diagonal, as in the code of SparseGPT's authors. */
export const defaultDamping = 0.01;

/** The setting of all methods that fit weights with `sum x x^T`. */
export const damping = {
  description: `With \`method: sparsegpt\` or \`admm\`: what is added to the diagonal of the sum of x x^T over the tokens, as a share of the mean of the diagonal. Default: ${defaultDamping}. SparseGPT raises it if the sum is not positive definite.`,
  type: 'number',
  exclusiveMinimum: 0,
  maximum: 1,
  examples: [defaultDamping],
} as const;
