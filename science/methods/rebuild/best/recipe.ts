/** What `best` does at each effort. Plain data, so that planning can read it without loading tensor code. */
export const efforts = [1, 3, 10, 30] as const;
export type Effort = (typeof efforts)[number];
export const defaultEffort = 10;

export interface Recipe {
  /**
   * Forwards that LLM-Barber's rounds may take to move weights between the rows and linears of a sub-block. Absent: no rounds. N:M has no
   * rounds, because the pattern fixes the budget everywhere.
   */
  rounds?: number;
  /** Share of the dense path in the targets of sub-blocks and layers. If 0, the dense path is not run. */
  denseShare: number;
  /** Passes of the layer's reconstruction over all windows. If 0, there is no reconstruction. */
  epochs: number;
}

/** Each effort does everything that the one before it does, and more. Chosen by measurement (docs/quality.md). */
export const recipes: Readonly<Record<Effort, Recipe>> = {
  1: { denseShare: 0, epochs: 0 },
  3: { denseShare: 0.5, epochs: 0 },
  10: { rounds: 4, denseShare: 0.5, epochs: 1 },
  30: { rounds: 8, denseShare: 0.5, epochs: 6 },
};

/** Share of the windows that are held out of every fit and judge it. */
export const heldOutShare = 1 / 16;
/** The largest step of the reconstruction, relative to a matrix's root mean square. */
export const rate = 0.03;
/** ADMM's damping is this number times inputs / tokens. It keeps fits on few tokens close to the dense weights. */
export const dampingPerInput = 2;
