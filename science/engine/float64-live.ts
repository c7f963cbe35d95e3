/** Float64 matrices that are not disposed yet. TensorFlow.js does not know them, so its scopes do not dispose them. */
export const liveMatrices = new Set<{ dispose: () => void }>();
