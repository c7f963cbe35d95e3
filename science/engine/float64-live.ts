/** Matrices in float64 that nobody has disposed yet. TensorFlow.js knows nothing of them, so its scopes do not end them. */
export const liveMatrices = new Set<{ dispose: () => void }>();
