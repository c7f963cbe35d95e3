/** The token windows that go through a layer. */
export interface Windows {
  samples: number;
  /** Tokens per window. */
  time: number;
  /** Windows that go through a layer together. */
  perBatch: number;
}
