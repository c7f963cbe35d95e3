/** Token windows on their way through a layer. */
export interface Windows {
  samples: number;
  /** Tokens of a window. */
  time: number;
  /** Windows that go through a layer together. */
  perBatch: number;
}
