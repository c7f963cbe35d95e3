/** Matrices in float64 that nobody has disposed yet. TensorFlow.js knows nothing of them, so its scopes do not end them. */
const live = new Set<{ dispose: () => void }>();

export function made(matrix: { dispose: () => void }): void {
  live.add(matrix);
}

export function disposed(matrix: { dispose: () => void }): void {
  live.delete(matrix);
}

/** Disposes all of them. */
export function disposeMatrices(): void {
  for (const matrix of [...live]) matrix.dispose();
}
