/** What `best` does with an effort. Plain data: planning reads it without loading any tensor code. */
export const efforts = [1, 3, 10, 30] as const;
export type Effort = (typeof efforts)[number];
export const defaultEffort = 10;

export interface Recipe {
  /**
   * Forwards that LLM-Barber's rounds may take to move weights between the rows and linears of a sub-block; none if absent. Not with N:M,
   * which fixes the budget everywhere.
   */
  rounds?: number;
  /** Share of the dense path in what sub-blocks and layers are fitted to; the dense path is not run where it is 0. */
  denseShare: number;
  /** Passes of the layer's reconstruction over all windows; none if 0. */
  epochs: number;
}

/** In the order of the efforts, each does what the one before it does and more. Chosen by measuring (docs/quality.md). */
export const recipes: Readonly<Record<Effort, Recipe>> = {
  1: { denseShare: 0, epochs: 0 },
  3: { denseShare: 0.5, epochs: 0 },
  10: { rounds: 4, denseShare: 0.5, epochs: 1 },
  30: { rounds: 8, denseShare: 0.5, epochs: 6 },
};

/** Share of the windows that is held out of every fit, and judges it. */
export const heldOutShare = 1 / 16;
/** The largest step of the reconstruction, relative to a matrix's root mean square. */
export const rate = 0.03;
/** Damping of ADMM for each input that a linear has beside each token: fits of few tokens are held to the dense weights. */
export const dampingPerInput = 2;
